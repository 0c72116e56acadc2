"""Commands find the services by name, and say what to do where one is not there."""

from importlib.metadata import EntryPoint

import pytest

from shared.cli import loading


def test_a_service_that_this_image_does_not_have_is_named_with_the_image_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left_out = EntryPoint("orders", "services.left_out.app:SERVICE", loading.GROUP)
    monkeypatch.setattr(loading, "entry_points", lambda **_group: [left_out])
    with pytest.raises(loading.NotInstalled, match=r"orders is not in this image .* orderlink-cli"):
        loading.load_services("orders")
