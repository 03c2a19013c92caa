"""Reads what Prometheus would: families of metrics, their types and labels, and the figures."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

_OWN = "ledgerpress_"


class Family(NamedTuple):
    """A metric, by the name that queries use: that of a counter ends in `_total`."""

    type: str
    text: str
    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, **labels: str) -> float:
        """Add up the figures that have these labels, but for parts of histograms."""
        return sum(
            value
            for (name, given), value in self.samples.items()
            if given >= set(labels.items()) and not name.endswith(("_bucket", "_sum"))
        )


def families(text: str) -> dict[str, Family]:
    """Read all that is told, by name."""
    return {
        f"{found.name}_total" if found.type == "counter" else found.name: Family(
            found.type,
            found.documentation,
            {(s.name, frozenset(s.labels.items())): s.value for s in found.samples},
        )
        for found in text_string_to_metric_families(text)
    }


def series_names(text: str) -> set[str]:
    """Name everything that a query can ask for."""
    names: set[str] = set()
    for name, family in families(text).items():
        names.add(name)
        if family.type == "histogram":
            names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return names


def own(text: str) -> dict[str, Family]:
    """Read what is the product's own, and not the library's about the process."""
    return {name: each for name, each in families(text).items() if name.startswith(_OWN)}


def names_in(query: str) -> set[str]:
    """Name the metrics in a PromQL expression; all of ours and of the library's have an underscore.

    Label names, label values, spans of time and functions are left out.
    """
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", query)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    words = re.findall(r"[a-zA-Z_:][\w:]*(?!\w*\s*\()", bare)
    return {word for word in words if "_" in word}
