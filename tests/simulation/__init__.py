"""Every interleaving that hypothesis can think of, on one thread and without a clock.

The relay, the pipeline and the commands are the real ones. What they touch is modelled here: a database, a broker, a
consumer group, time. Each call of a process to one of these waits until the schedule lets it go on, and the schedule
decides whether it works, is refused, or works without the caller ever hearing of it. A failure shrinks to the shortest
schedule, is printed step by step, and comes back with the seed that is printed at the end of every run.

    loop.py        time that stands still until it is moved
    process.py     a process: goes on from call to call, may be killed at each
    database.py    transactions with locks, late commits, commits of which nobody knows the outcome
    leadership.py  the lock of the relay, on sessions that end
    broker.py      partitions, producers that break, batches that arrive late, acknowledgements that get lost
    group.py       offsets, rebalances, replays
    machines.py    the rules and what has to be true after each of them, and at rest
    mutants.py     the mistakes that the rules have to find

One run, as `make test` has time for it, looks at some 350 schedules; in them somebody gets 13,500 turns and it is
decided of 98,000 calls how they go. `SIMULATION=long make simulate` looks further, each time elsewhere.

Not modelled: threads, the network between a client and its server (a call is one step), disks, statements (the SQL has
its own tests on a real database), timers, retention, the halting of a service with too many dead letters.
"""
