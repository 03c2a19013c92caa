"""Hostile requests: `make hostile` sends some twenty thousand, `make test` a bounded part.

Our own generator (`generated.py`) asks every operation as every kind of caller, spoilt in many
places at once; `raw_bytes.py` has what is hardly HTTP. `good_requests.py` has for every operation
one that is done, and hypothesis (`properties.py`) spoils one thing of it: its header fields, its
JSON, its form. Schemathesis (`walks.py`) walks along the links of our document, and asks for what
that allows and forbids. Every answer must be deliberate and as described, and in the end nothing
may be left behind (`aftermath.py`). `campaign.py` does it all and prints how each operation
answered.
"""
