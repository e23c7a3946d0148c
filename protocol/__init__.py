"""The machine: a deterministic model of decentralized derivatives. No randomness, no clock, no Mesa."""
