-- What wrk's scripts here share: `requests` are sent one after the other, over HTTP keep-alive, and the figures are printed as `name value` lines.
requests = {}

function shuffle(list)
  math.randomseed(1)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

local at = 0
function request()
  at = at % #requests + 1
  return requests[at]
end

function failures(summary)
  local errors = summary.errors
  return errors.connect + errors.read + errors.write + errors.status + errors.timeout
end

function done(summary, latency)
  io.write(string.format("requests_per_second %f\np50_ms %f\np99_ms %f\nerrors %d\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, failures(summary)))
end
