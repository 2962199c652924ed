"""Read models of pof, made from events of other services to count evidence. They publish nothing and decide nothing."""
