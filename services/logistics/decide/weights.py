"""Rule `weights`: what order, warehouse and carrier weighed, side by side, and what that speaks for.

For a missing item the weights come first: they say whether the parcel was packed short, or was short
when the carrier had it. Packaging makes a parcel heavier than its goods, so being heavier than ordered
speaks for nothing; being lighter does.
"""

from services.logistics.state import Parcel, Placed
from services.logistics.state.care import Verdict, Weights
from shared.kernel.profiles import Values


def ordered_grams(state: Placed, parcel: Parcel) -> int | None:
    """What a parcel's lines weigh by the order; None where one is not told, or is in another parcel too."""
    grams = [state.line_grams.get(line) for line in parcel.lines]
    told = [each for each in grams if each is not None]
    shared = any(
        set(other.lines) & set(parcel.lines)
        for other in state.parcels
        if other.parcel_id != parcel.parcel_id and other.stage != "pickup_cancelled"
    )
    return sum(told) if len(told) == len(grams) and not shared else None


def tolerance(weights: Weights, values: Values) -> int:
    """By how many grams two weights may differ and still agree."""
    heaviest = max(weights.ordered or 0, weights.warehouse or 0, weights.carrier or 0)
    return max(values.weight_tolerance_grams, heaviest * values.weight_tolerance_percent // 100)


def compared(weights: Weights, grams: int) -> tuple[Verdict, str]:
    """What the weights speak for, and which of them do; `grams` is by how much they may differ."""
    ordered, warehouse, carrier = weights.ordered, weights.warehouse, weights.carrier
    if carrier is not None and warehouse is not None:
        if carrier < warehouse - grams:
            return "short", "carrier_below_warehouse"
        if carrier > warehouse + grams:
            return "unclear", "carrier_above_warehouse"
    weighed = carrier if carrier is not None else warehouse
    if weighed is None:
        return "unclear", "nobody_weighed_it"
    if ordered is not None:
        below = "carrier_below_order" if carrier is not None else "warehouse_below_order"
        return ("short", below) if weighed < ordered - grams else ("matches", "not_below_order")
    if carrier is not None and warehouse is not None:
        return "matches", "carrier_and_warehouse_agree"
    return "unclear", "one_weight_only"
