-- wrk's script: the same Feast request for one customer after another. BODIES is a file with a body a line.
local requests = {}
function init(args)
  for body in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", "/get-online-features", { ["Content-Type"] = "application/json" }, body)
  end
end

local at = 0
function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("requests_per_second %f\np50_ms %f\np99_ms %f\nerrors %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
