"""The pure core: calendar, money, profiles, decisions, contracts."""
