"""What pof keeps of the facts of others, only to count evidence. Leaves no facts and decides nothing."""
