-- What can be done with a Rollback. An approval is not among it: it names the plan that somebody
-- read, and is given by that person with `kubectl rollback approve`, or by a commit.
local phase = obj.status ~= nil and obj.status.phase or "Pending"
local over = phase == "Succeeded" or phase == "AlreadyRolledBack" or phase == "Cancelled" or phase == "Rejected"
local can_be_tried_again = phase == "Failed" or phase == "PartiallySucceeded"
local running = not over and not can_be_tried_again and not obj.spec.cancel

return {
  suspend = {disabled = not running or obj.spec.suspend == true},
  resume = {disabled = not running or obj.spec.suspend ~= true},
  cancel = {disabled = not running},
  retry = {disabled = not can_be_tried_again},
}
