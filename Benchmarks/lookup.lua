-- wrk's script: GET the vector of one customer after another, in shuffled order, over HTTP keep-alive.
-- MILLRACE_KEYS is a file with a key a line.
local paths = {}
function init(args)
  for key in io.lines(os.getenv("MILLRACE_KEYS")) do
    paths[#paths + 1] = wrk.format("GET", "/v1/services/homepage/entities/" .. key)
  end
  math.randomseed(1)
  for i = #paths, 2, -1 do
    local j = math.random(i)
    paths[i], paths[j] = paths[j], paths[i]
  end
end

local at = 0
function request()
  at = at % #paths + 1
  return paths[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("requests_per_second %f\np50_ms %f\np99_ms %f\nerrors %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
