-- Health of an IdentityCenterInstance: usable, or why not.
if obj.status ~= nil and obj.status.observedGeneration == obj.metadata.generation then
  local waits = nil
  for _, condition in ipairs(obj.status.conditions or {}) do
    if condition.type == "Ready" and condition.status == "True" then
      return {status = "Healthy", message = condition.message}
    end
    if condition.type == "Stalled" and condition.status == "True" then
      return {status = "Degraded", message = condition.message}
    end
    if condition.type == "Ready" then waits = condition.message end
  end
  if waits ~= nil then return {status = "Progressing", message = waits} end
end
return {status = "Progressing", message = "not seen by the operator yet"}
