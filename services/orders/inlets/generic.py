"""Facts themselves, in the format of `POST /facts`, signed by Standard Webhooks.

What orders takes for itself, and what it passes on to others, since a shop has one address for all it says.
"""

from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from shared.contracts.facts import OrdersFact, PassedFact
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, read_json
from shared.kernel.signatures import standard_webhooks

SYSTEM: Final = "generic"
_Told = Annotated[OrdersFact | PassedFact, Field(discriminator="fact")]
_ONE: Final[TypeAdapter[Any]] = TypeAdapter(_Told)
_SEVERAL: Final[TypeAdapter[Any]] = TypeAdapter(list[_Told])


def read(delivery: Delivery) -> Reading:
    """One fact, or a list of them, as `POST /facts` takes them."""
    payload = read_json(delivery.body, delivery.depth_max)
    if isinstance(payload, list):
        return Read(tuple(_SEVERAL.validate_python(payload)))
    return Read((_ONE.validate_python(payload),))


INLET: Final = Inlet(system=SYSTEM, signed=standard_webhooks, read=read)
