-- Health of a Rollback: what its conditions say, and Suspended while it waits for a person.
local function condition(name)
  if obj.status ~= nil and obj.status.conditions ~= nil then
    for _, found in ipairs(obj.status.conditions) do
      if found.type == name then return found end
    end
  end
  return {}
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not seen by the operator yet"}
end
local message = obj.status.summary or ""
if condition("Stalled").status == "True" then
  return {status = "Degraded", message = message}
end
if condition("Ready").status == "True" or obj.status.phase == "Planned" then
  return {status = "Healthy", message = message}
end
if obj.status.phase == "AwaitingApproval" and condition("Approved").status ~= "True" then
  return {status = "Suspended", message = message}
end
if obj.spec.suspend then
  return {status = "Suspended", message = message}
end
return {status = "Progressing", message = message}
