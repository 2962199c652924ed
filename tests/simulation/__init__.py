"""Interleavings that hypothesis chooses, on one thread and with a simulated clock.

The relay, the pipeline and the commands are the real ones. What they use is modelled here: a database, a broker, a
consumer group, time. Each call of a process to one of these waits until the schedule continues it, and the schedule
decides whether it succeeds, fails, or succeeds although the caller gets an error. A failure shrinks to the shortest
schedule, is printed step by step, and is repeated with the seed that is printed at the end of every run.

    loop.py        time that passes only when the schedule moves it
    process.py     a process: it continues from call to call, and may be killed at each
    database.py    transactions with locks, late commits, commits with an unknown outcome
    leadership.py  the lock of the relay, on sessions that end
    broker.py      partitions, producers that break, batches that arrive late, lost acknowledgements
    group.py       offsets, rebalances, replays
    machines.py    the rules, and what has to be true after each of them and at rest
    mutants.py     mistakes that the simulation has to find

One run of `make test` tries some 350 schedules with 13,500 turns of a process, and decides the outcome of 98,000 calls.
`SIMULATION=long make simulate` tries more, and other ones each time.

Not modelled: threads, the network between a client and its server (a call is one step), disks, statements (the SQL has
its own tests on a real database), timers, retention, the halting of a service with too many dead letters.
"""
