``python -m benchmarks`` measures the package beside its peers on anybody's machine, and the documentation shows tables and plots; ``.ci/run`` sees when something becomes ten times as slow.
