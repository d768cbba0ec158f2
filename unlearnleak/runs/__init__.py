"""Runs on disk: their folders, names and files, the writers beside the readers. Only complete results count.

`status` writes and reads a run's own files, `place` keeps runs apart, `launch` is the folder of one launch of a sweep;
`loading` reads finished runs back, `shape` is what a result is taken for, `stored` what the store keeps of one.
"""
