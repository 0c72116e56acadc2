"""What the four services share: contracts, kernel, runtime, adapters, client and command line."""
