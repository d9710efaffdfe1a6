"""Who may do what: every route and every object, for every kind of caller.

What is expected stands in three tables, written from the guide and contract, not from the code:
`levels.csv` (permission × level, guide section 10), `routes.csv` (what each route needs) and
`objects.csv` (what it needs for one's own job, a team mate's, and a stranger's).
"""
