"""Carriers and their aggregators: their deliveries checked and read into sightings. One module a system."""

from typing import Final

from services.logistics.inlets import (
    aftership,
    easypost,
    kuaidi100,
    scans,
    shippo,
    shopify_fulfillments,
    track17,
)

INLETS: Final = (
    aftership.INLET,
    easypost.INLET,
    track17.INLET,
    kuaidi100.INLET,
    shippo.INLET,
    shopify_fulfillments.INLET,
    scans.INLET,
)
"""The systems whose deliveries logistics reads."""
