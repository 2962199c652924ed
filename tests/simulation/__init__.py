"""Every interleaving that hypothesis can think of, on one thread and without a clock.

The relay, the pipeline and the commands are the real ones. What they touch is modelled here: a database, a broker, a
consumer group, time. Each call of a process to one of these waits until the schedule lets it go on, and the schedule
decides whether it works, is refused, or works without the caller ever hearing of it. A failure shrinks to the shortest
schedule, is printed step by step, and comes back with the `@reproduce_failure` line that is printed with it (put it on
the machine's class).

    loop.py        time that stands still until it is moved
    process.py     a process: goes on from call to call, may be killed at each
    database.py    transactions with locks, late commits, commits of which nobody knows the outcome
    broker.py      partitions, producers that break, acknowledgements that get lost
    group.py       offsets, rebalances, replays
    machines.py    the rules and what has to be true after each of them, and at rest
    mutants.py     the mistakes that the rules have to find

Not modelled: threads, the network between a client and its server (a call is one step), disks, statements (the SQL has
its own tests on a real database), retention, the halting of a service with too many dead letters.

`SIMULATION=long` looks much further than `make test` does.
"""
