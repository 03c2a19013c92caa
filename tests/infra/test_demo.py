"""Demo accounts and posts: all there after one start, and untouched by the next."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.post import Category, Status
from infra.bootstrap import Product, open_product
from infra.demo import ACCOUNTS, create_demo, demo_password
from infra.demo_posts import demo_posts
from infra.identity.passwords import CHEAP
from infra.settings import Settings
from tests.support.accounts import AT, random_keys
from tests.support.services import settings_in


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings with a DATA_DIR that does not exist yet."""
    return settings_in(tmp_path / "data")


async def start(product: Product, settings: Settings) -> None:
    """Do what each start does."""
    await create_demo(product, settings, demo_password(settings), AT)


async def test_all_there(product: Product, settings: Settings) -> None:
    """There is an account for each role, and a post of each category and status."""
    await start(product, settings)

    emails = {demo.email for demo in ACCOUNTS}
    assert {"author@demo.example", "admin@demo.example", "operator@demo.example"} < emails
    for demo in ACCOUNTS:
        row = await product.account_queries.by_email(product.personal_data.email_hash(demo.email))
        assert row is not None
        assert set(row.roles) == demo.roles
    loaded = [await product.ledger.loader.load(product.posts, demo.id) for demo in demo_posts(AT)]
    assert {post.state.status for post in loaded if post.state} == set(Status)
    assert {post.state.category for post in loaded if post.state} == set(Category)
    former = await product.database.fetch("select slug from former_slugs")
    assert [row[0] for row in former] == ["reading-an-etag-without-tears"]


async def test_commands(product: Product, settings: Settings) -> None:
    """The log names the commands as it names those of the API."""
    await start(product, settings)

    rows = await product.database.fetch("select distinct metadata->>'command' from events")
    assert {row[0] for row in rows} == {
        "ArchivePost",
        "CreatePost",
        "EditPost",
        "PublishPost",
        "RegisterAccount",
        "SchedulePost",
    }


async def test_password_works(product: Product, settings: Settings) -> None:
    """The one password is generated once, kept privately, and fits every account."""
    await start(product, settings)
    password = demo_password(settings)

    kept = settings.data_dir / "demo-password"
    assert kept.read_text() == f"{password.text}\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not password.new
    assert password.text not in repr(password)
    for demo in ACCOUNTS:
        row = await product.account_queries.by_email(product.personal_data.email_hash(demo.email))
        assert row is not None
        stored = await product.password_hashes.of(row.id)
        assert await product.passwords.verify(stored or "", password.text.encode()) is True


def test_shown_once(settings: Settings) -> None:
    """Only the start that made the password may show it."""
    first, second = demo_password(settings), demo_password(settings)

    assert (first.new, second.new) == (True, False)
    assert first.text == second.text


async def test_again(product: Product, settings: Settings) -> None:
    """A second start adds nothing to the log."""
    await start(product, settings)
    head = await product.log.head()

    await start(product, settings)

    assert await product.log.head() == head


async def test_password_changed(product: Product, settings: Settings, tmp_path: Path) -> None:
    """A demo password that is set is taken over by accounts that exist already."""
    await start(product, settings)

    chosen = settings_in(tmp_path / "data", DEMO_PASSWORD="chosen by hand")  # noqa: S106
    await start(product, chosen)

    email_hash = product.personal_data.email_hash("admin@demo.example")
    row = await product.account_queries.by_email(email_hash)
    assert row is not None
    stored = await product.password_hashes.of(row.id)
    assert await product.passwords.verify(stored or "", b"chosen by hand") is True


async def test_not_in_production(product: Product, settings: Settings) -> None:
    """Production has none of this."""
    production = settings.model_copy(update={"env": "production"})

    with pytest.raises(ValueError, match="production"):
        await create_demo(product, production, demo_password(settings), AT)

    assert await product.log.head() == 0
