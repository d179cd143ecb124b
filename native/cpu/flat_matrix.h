#pragma once

#include <optional>

#include "core/plan.h"

namespace gauntlet {

/// A matrix form by its coefficients, where these are so few that they take less time than transforming and multiplying matrices:
///
///     C[i, j, k] = trace((T1[i] T2[j] + sign T2[j] T1[i]) T3[k]^T) / 2
std::optional<SparseForm> flatten(const MatrixForm& form);

}  // namespace gauntlet
