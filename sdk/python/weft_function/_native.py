"""What stands in for the host natively, for the tests of functions: a folder for a run, memory for buckets."""

import json
from types import SimpleNamespace


class Refused(Exception):
    """An error as the bindings have them: what it carries is in `value`."""

    def __init__(self, value):
        super().__init__(value)
        self.value = value


class Error_Other:
    """The store failed."""

    def __init__(self, value):
        self.value = value


class Folder:
    """The run of a job in a folder."""

    def __init__(self, folder, params=None):
        self._inputs, self.outputs = folder / "in", folder / "out"
        self._params = params or {}
        self.recorded = SimpleNamespace(params={}, metrics=[], results={}, outputs={}, failure=None)

    def params_json(self):
        return json.dumps(self._params)

    def inputs(self):
        found = sorted(self._inputs.iterdir()) if self._inputs.is_dir() else []
        plain = {"digest": "", "kind": "file", "media_type": "application/octet-stream"}
        return [SimpleNamespace(name=it.name, path=str(it), **plain) for it in found]

    def seed(self):
        return 0

    def log_param(self, name, text):
        self.recorded.params[name] = json.loads(text)

    def log_result(self, name, text):
        self.recorded.results[name] = json.loads(text)

    def log_metric(self, name, value, step):
        self.recorded.metrics.append((name, value, step))

    def progress(self, fraction, message):
        """Nobody watches."""

    def describe_output(self, name, kind, text):
        self.recorded.outputs[name] = (kind, json.loads(text))

    def fail(self, failure):
        self.recorded.failure = failure


class Bucket:
    """Values by key, as long as the process lives."""

    def __init__(self):
        self.values = {}

    def get(self, key):
        return self.values.get(key)

    def set(self, key, value):
        self.values[key] = value

    def delete(self, key):
        self.values.pop(key, None)

    def exists(self, key):
        return key in self.values

    def list_keys(self, cursor):
        return SimpleNamespace(keys=sorted(self.values), cursor=None)


class Cas:
    """A value as it was seen."""

    def __init__(self, bucket, key):
        self.bucket, self.key, self.seen = bucket, key, bucket.get(key)

    @classmethod
    def new(cls, bucket, key):
        return cls(bucket, key)

    def current(self):
        return self.seen


class CasError_CasFailed:
    """Somebody came between; the value is what there is to see now."""

    def __init__(self, value):
        self.value = value


def _increment(bucket, key, delta):
    try:
        total = int(bucket.get(key) or b"0") + delta
    except ValueError:
        raise Refused(Error_Other(f"the value of `{key}` is no number")) from None
    bucket.set(key, str(total).encode())
    return total


def _swap(cas, value):
    if cas.bucket.get(cas.key) != cas.seen:
        raise Refused(CasError_CasFailed(Cas(cas.bucket, cas.key)))
    cas.bucket.set(cas.key, value)


def _set_many(bucket, values):
    bucket.values.update(values)


def _delete_many(bucket, keys):
    for key in keys:
        bucket.delete(key)


#: Buckets by name; a test clears it.
buckets: dict[str, Bucket] = {}

run = None
store = SimpleNamespace(open=lambda name: buckets.setdefault(name, Bucket()))
atomics = SimpleNamespace(Cas=Cas, increment=_increment, swap=_swap)
batch = SimpleNamespace(
    get_many=lambda bucket, keys: [(key, bucket.get(key)) for key in keys],
    set_many=_set_many,
    delete_many=_delete_many,
)
