"""The pure core that all rules share: decisions, the calendar, money, profiles and charts."""
