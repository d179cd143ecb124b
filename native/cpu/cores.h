#pragma once

namespace gauntlet {

/// Physical cores this process may run on (hyper-threads counted once, affinity masks respected), at least 1.
int physical_cores();

}  // namespace gauntlet
