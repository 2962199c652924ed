"""The chassis's laws, each held against the fakes and against the real parts. No business of any service."""
