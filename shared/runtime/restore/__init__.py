"""Databases restored to an earlier point than the topics: found out, compared with the log, lifted past it.

A restored file would give numbers again that its events on the log have already, and every reader would
drop the new events as repetitions. And what others said after the backup was heard, by the group's
position, but not by this database. So three things are to be done before anybody works on it: each
file's `next_seq` goes above its last number on the log, the group goes back to where the database had
heard everything, and people are told what nobody can know any more.

What comes back by itself: what other services said, since it is heard again and decided on again. What
does not: facts and commands that came over HTTP after the backup. Their events are on the log and name
them, so they can be told again; told again they are new to the file and lead to the same events, under
new numbers, and to effects under the same ids.
"""
