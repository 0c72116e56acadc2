"""Tests of the channels to the outside: mail and payments, in memory and real."""
