"""Carriers and their aggregators: their deliveries checked and read into sightings. One module a system."""
