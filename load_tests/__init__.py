"""Load tests: the gate, a bare relay and HAProxy on the same work, and the filter alone. `python -m load_tests`."""
