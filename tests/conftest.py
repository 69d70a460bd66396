"""How all tests run: Hypothesis measures no time. A busy machine takes 0.2 s, its deadline, for any example now and then, and
what it then reports is that whichever text was at hand."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("smsgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("smsgate")
