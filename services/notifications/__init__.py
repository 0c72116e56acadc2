"""Notifications: messages to buyers, tasks for agents, and the order's timeline over all services.

Owns: for each order, the messages that were wanted and what became of them, the conversation with
the buyer, the tasks and their leases; for each buyer and local day, how many messages went out and
which reminders wait for each other; for each shop and local day, what reminders brought and what lay open.
Hears: every topic: what services want said or judged, what happens to orders, parcels and cases,
who receives an order, and its own events, by which one file reaches another.
Says: `message.*` (asked, allowed, capped, withdrawn, merged, postponed, sent, suppressed, failed,
received, unanswered, answered), `reminders.reported`, `day.swept` and what adds them up, `task.*`
(created, claimed, lease_renewed, returned, overdue, priority_raised, completed, closed), and on the
contacts topic the contact that an agent confirmed.
Promises: a message is told once, never in quiet hours, never over the buyer's daily cap, never
when it is stale or no longer true, and what is dropped says why. A task exists once, is held by one
agent at a time, comes back when its lease runs out, and closes itself when its cause is gone. A
buyer's text and an agent's answer stay in the file.
"""
