-- wrk's script: POST lookups of a hundred customers each, one hundred after another, over HTTP keep-alive.
-- MILLRACE_KEYS is a file with a key a line; MILLRACE_ACCEPT names the form of the answer.
dofile(debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "in_turn.lua")

local perRequest = 100
function init(args)
  local keys = {}
  for key in io.lines(os.getenv("MILLRACE_KEYS")) do keys[#keys + 1] = '"' .. key .. '"' end
  shuffle(keys)
  local headers = { ["Accept"] = os.getenv("MILLRACE_ACCEPT") }
  for from = 1, #keys - perRequest + 1, perRequest do
    local body = '{"service":"homepage","keys":[' .. table.concat(keys, ",", from, from + perRequest - 1) .. "]}"
    requests[#requests + 1] = wrk.format("POST", "/v1/lookup", headers, body)
  end
end

function done(summary, latency)
  io.write(string.format("vectors_per_second %f\nerrors %d\n", summary.requests * perRequest / summary.duration * 1e6, failures(summary)))
end
