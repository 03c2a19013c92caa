"""Rebuilding and comparing what the webhooks show; what they have outside the log stays."""

from commands.handle import Caller
from commands.outcomes import Created
from commands.webhooks import NewWebhook, Webhooks, register_webhook, webhooks
from infra.links import parse_web_address
from infra.projections.compare import Comparison
from infra.projections.rebuild import Rebuild, compare_with_log, rebuild
from infra.store.verify import verify
from infra.webhooks.secrets import WebhookChanges, WebhookSecrets
from projections.webhooks import WebhookView
from tests.infra.projections.rebuilding import Rebuilding
from tests.support.log import AT


async def test_rebuilt_and_compared(short: Rebuilding) -> None:
    """Nothing differs, a row that somebody changed by hand is found, and the secrets are kept."""
    product = short.written.product
    made = Webhooks(
        ledger=product.ledger,
        aggregate=webhooks(WebhookView()),
        beside=WebhookChanges(WebhookSecrets(b"k" * 32)),
        allowed_hosts=frozenset({"hooks.example"}),
        parse=parse_web_address,
    )
    for types in ((), ("post.published", "post.created")):
        asked = NewWebhook("https://hooks.example/in", types)
        outcome = await register_webhook(
            made, Caller(None, AT, "RegisterWebhook"), asked, lambda body, _: body
        )
        assert isinstance(outcome, Created), outcome
    done = await rebuild(short.order("webhooks"))
    await product.database.fetch("update webhooks set event_types = '{post.edited}'")
    compared = await compare_with_log(short.order("webhooks"))
    mended = await rebuild(short.order("webhooks"))
    secrets = await product.database.fetch("select count(*) from webhook_secrets")
    report = await verify(product.database, product.codec, lambda *_: None)

    assert isinstance(done, Rebuild), done
    assert (done.comparison.rows, done.comparison.differing) == (2, 0)
    assert isinstance(compared, Comparison), compared
    assert compared.differing == 2
    assert isinstance(mended, Rebuild), mended
    assert secrets[0][0] == 2
    assert report.sound, report
