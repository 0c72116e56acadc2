"""Reads the tables that lie beside this module, and checks them, when it is loaded."""

from importlib.resources import files
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel

from services.logistics.decide.check_digits import SCHEMES
from services.logistics.inlets.tables import StatusTable, Words
from services.logistics.state.carriers import Carriers, CarrierTable

Model = TypeVar("Model", bound=BaseModel)


def read(name: str, text: str, model: type[Model]) -> Model:
    """A table from the text of its file. Raises `ValueError` that names the file and the field at fault."""
    try:
        raw: Any = yaml.safe_load(text)
        return model.model_validate(raw)
    except (ValueError, yaml.YAMLError) as problem:
        raise ValueError(f"table {name}: {problem}") from problem


def status_table(system: str) -> StatusTable:
    """The table of a system's statuses. Raises `ValueError` when it is another's."""
    table = _packaged(f"{system}.yaml", StatusTable)
    if table.system != system:
        raise ValueError(f"table {system}.yaml: its system is {table.system!r}")
    return table


def read_carriers(table: CarrierTable) -> Carriers:
    """The carriers of a table. Raises `ValueError` for a scheme that nobody has written."""
    for carrier in table.carriers:
        strange = set(carrier.schemes) - set(SCHEMES)
        if strange:
            raise ValueError(f"carrier {carrier.id}: schemes: there are no {sorted(strange)}")
    return Carriers(table.carriers)


def _packaged(name: str, model: type[Model]) -> Model:
    text = (files("services.logistics.inlets") / name).read_text(encoding="utf-8")
    return read(name, text, model)


CARRIERS: Final = read_carriers(_packaged("carriers.yaml", CarrierTable))
CHINESE: Final = _packaged("chinese.yaml", Words)
