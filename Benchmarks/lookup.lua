-- wrk's script: GET the vector of one customer after another, in shuffled order, over HTTP keep-alive.
-- MILLRACE_KEYS is a file with a key a line.
dofile(debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "in_turn.lua")

function init(args)
  for key in io.lines(os.getenv("MILLRACE_KEYS")) do
    requests[#requests + 1] = wrk.format("GET", "/v1/services/homepage/entities/" .. key)
  end
  shuffle(requests)
end
