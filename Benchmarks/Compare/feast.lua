-- wrk's script: the same Feast request for one customer after another. BODIES is a file with a body a line.
dofile(debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "../in_turn.lua")

function init(args)
  for body in io.lines(os.getenv("BODIES")) do
    requests[#requests + 1] = wrk.format("POST", "/get-online-features", { ["Content-Type"] = "application/json" }, body)
  end
end
