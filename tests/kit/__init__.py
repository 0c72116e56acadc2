"""What tests share: a play of rules, memory worlds, real parts."""
