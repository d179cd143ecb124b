// Tables and shared memory of the grid form: what cuda/grid.cu walks.
#include <algorithm>
#include <variant>
#include <vector>

#include "cuda/grid.h"

namespace gauntlet::cuda {
namespace {

/// Of a function, or of its derivative by beta.
int slots_of(const GridForm::Band& band) { return 2 + 4 * band.order; }

/// Of both, where brackets need both.
int all_slots_of(const GridForm::Band& band) { return slots_of(band) * (band.slopes.empty() ? 1 : 2); }

/// Pairs of signals that a term multiplies.
int pairs_of(const GridForm& form, size_t term) { return form.brackets[term] ? 2 : 1; }

/// Where a chunk's rings begin in a padded row of a table, and how many there are.
struct RingPlan {
  int chunk, chunks;       // rings at a time
  int passes, pass_rings;  // of a chunk, in the last stage
  int chunk_stride, pass_stride;

  RingPlan(int rings, int most) {
    chunks = (rings + most - 1) / most;
    chunk = (rings + chunks - 1) / chunks;
    chunks = (rings + chunk - 1) / chunk;
    passes = (chunk + kMostRings - 1) / kMostRings;
    pass_rings = (chunk + passes - 1) / passes;
    chunk_stride = round_up(chunk, 4);
    pass_stride = round_up(pass_rings, 4);
  }
};

/// The width of runs of points that costs least: multiply-adds of all runs, and the loads that they need beside.
int choose_run_width(int points) {
  int best = 3;
  double least = 1e30;
  for (int width = 3; width <= kMostPoints; ++width) {
    const int runs = (points + width - 1) / width;
    const double adds = width, loads = 4 + 2 * ((width + 3) / 4);
    const double cost = runs * (std::max(adds, loads) + 0.25 * std::min(adds, loads));
    if (cost < least) least = cost, best = width;
  }
  return best;
}

class GridProgram final : public RoomProgram<GridArguments> {
 public:
  GridProgram(const Group& group, const int32_t (&dim)[kOperands], int target, const Device& device)
      : RoomProgram(group, dim, target, device, grid_kernel(false), grid_kernel(true)) {
    const GridForm& form = std::get<GridForm>(group.form);
    const int l = left_of(target), r = right_of(target);
    arguments_.fiber = group.sides[target].fiber;
    arguments_.rings = form.rings;
    arguments_.points = form.points;
    arguments_.run_width = choose_run_width(form.points);
    arguments_.runs = (form.points + arguments_.run_width - 1) / arguments_.run_width;
    for (int o : {l, r}) {
      for (const GridForm::Band& band : form.sectors[o]) arguments_.slots += all_slots_of(band);
    }
    std::vector<int32_t> reached;  // the target's sectors that have terms
    for (int32_t s = 0; s < static_cast<int32_t>(form.sectors[target].size()); ++s) {
      const auto ends_here = [&](const Term& term) { return term.sector[target] == s; };
      if (std::any_of(form.terms.begin(), form.terms.end(), ends_here)) reached.push_back(s);
    }
    arguments_.sector_count = static_cast<int32_t>(reached.size());
    arguments_.clear = form.rings == 0 || !covered(form.sectors[target], reached, arguments_.fiber);

    const RingPlan rings(form.rings, fit_rings(form, group.sides[l].fiber, group.sides[r].fiber));
    arguments_.chunk = rings.chunk;
    arguments_.passes = rings.passes;
    arguments_.pass_rings = rings.pass_rings;
    arguments_.chunk_stride = rings.chunk_stride;
    arguments_.pass_stride = rings.pass_stride;
    arguments_.ring_stride = rings.chunks * rings.chunk_stride;
    arguments_.target_ring_stride = rings.chunks * rings.passes * rings.pass_stride;

    make_operand_tables(form, l, r);
    make_target_tables(form, l, r, target, reached);
  }

 private:
  /// Whether these sectors write every row of the fiber exactly once.
  static bool covered(const std::vector<GridForm::Band>& bands, const std::vector<int32_t>& sectors, int32_t fiber) {
    std::vector<int> times(fiber, 0);
    for (int32_t s : sectors) {
      const GridForm::Band& band = bands[s];
      int32_t row = band.first;
      for (int m = 0; m <= band.order; ++m) {
        for (int parity = 0; parity < 2; ++parity) {
          for (int n = band.components(m, parity) * (m ? 2 : 1); n > 0; --n) ++times[row++];
        }
      }
    }
    return std::all_of(times.begin(), times.end(), [](int n) { return n == 1; });
  }

  /// Lays out a tile's room, for as many rings at a time as is best.
  int fit_rings(const GridForm& form, int left_fiber, int right_fiber) {
    const int inputs = left_fiber + right_fiber;
    const int out = arguments_.fiber * kFiberStride;
    arguments_.right_at = left_fiber * kFiberStride;
    arguments_.slab_at = inputs * kFiberStride;
    const auto lay_out = [&](int chunk) {
      arguments_.product_at = arguments_.slab_at + chunk * arguments_.slots * kLanes;
      const int end = arguments_.product_at + 4 * chunk * arguments_.points * kLanes;
      // Where the operands and their rings are not needed again, the result takes their place.
      const bool once = chunk >= arguments_.rings && arguments_.sector_count == 1 && !arguments_.clear;
      arguments_.out_at = once && out <= arguments_.product_at ? 0 : end;
      return std::max(end, arguments_.out_at + out);
    };
    const int most = std::max(1, arguments_.rings);
    return fit(most, lay_out,
               [&](int chunk, int warps) { return 1 / time(form, inputs, RingPlan(most, chunk), warps); });
  }

  /// Loads from shared memory and tables for all rings, stage by stage: they are what a multiprocessor is busy with longest. Few
  /// rings at a time load the same values more often.
  double time(const GridForm& form, int inputs, const RingPlan& plan, int warps) const {
    const int quads = (plan.chunk + 3) / 4, groups = form.order / kOrders + 1;
    const double to_rings = inputs * (1 + quads) + arguments_.slots * plan.chunk;
    const int items = plan.chunk * arguments_.runs;
    int pairs = 0;
    for (size_t t = 0; t < form.terms.size(); ++t) pairs += pairs_of(form, t);
    const double multiply =
        static_cast<double>(pairs) * items * (form.order + 2) * (4 + 2 * ((arguments_.run_width + 3) / 4));
    const double from_points = 2.0 * arguments_.sector_count * groups * form.points * (2 * plan.chunk + 2);
    const double from_rings = arguments_.fiber * (quads + 2 + plan.chunk / 4.0);
    return plan.chunks *
           (to_rings + multiply / evenness(items, warps) + (from_points + from_rings) / evenness(2 * groups, warps));
  }

  void make_operand_tables(const GridForm& form, int l, int r) {
    std::vector<ToRings> items;
    std::vector<float> legendre;
    int32_t slot = 0;
    for (int o : {l, r}) {
      for (const GridForm::Band& band : form.sectors[o]) {
        for (const std::vector<double>* values : {&band.legendre, &band.slopes}) {
          if (values->empty()) continue;
          const int flip = values == &band.slopes;  // slopes of what is even about the equator are odd
          int32_t row = band.first;
          size_t from = 0;
          for (int m = 0; m <= band.order; ++m) {
            for (int parity = 0; parity < 2; ++parity) {
              const int count = band.components(m, parity);
              items.push_back({.right = o == r,
                               .row = row,
                               .count = count,
                               .sines = m > 0,
                               .slot = slot + (m == 0 ? parity ^ flip : 4 * m - 2 + 2 * (parity ^ flip)),
                               .table = static_cast<int32_t>(legendre.size())});
              row += count * (m ? 2 : 1);
              for (int n = 0; n < count; ++n, from += form.rings) append_rings(&(*values)[from], legendre);
            }
          }
          slot += slots_of(band);
        }
      }
    }
    std::stable_sort(items.begin(), items.end(), [](const ToRings& a, const ToRings& b) { return a.count > b.count; });
    arguments_.to_rings_count = static_cast<int32_t>(items.size());
    arguments_.to_rings = (to_rings_ = Table(items)).data();
    arguments_.legendre = (legendre_ = Table(legendre)).data();

    make_trigonometry(form);
  }

  /// A row of an operand's Legendre table.
  void append_rings(const double* values, std::vector<float>& table) const {
    const size_t begin = table.size();
    table.resize(begin + arguments_.ring_stride, 0);
    for (int ring = 0; ring < arguments_.rings; ++ring) {
      const int at = ring / arguments_.chunk * arguments_.chunk_stride + ring % arguments_.chunk;
      table[begin + at] = static_cast<float>(values[ring]);
    }
  }

  /// Tables for functions, and for derivatives by azimuth of the right and, times -1, of the left operand.
  void make_trigonometry(const GridForm& form) {
    const int width = round_up(arguments_.run_width, 4);
    arguments_.trigonometry_stride = 2 * width * (form.order + 1);
    trigonometry_floats_ = arguments_.trigonometry_stride * arguments_.runs;
    const bool brackets =
        std::any_of(form.brackets.begin(), form.brackets.end(), [](int32_t bracket) { return bracket; });
    std::vector<float> trigonometry(static_cast<size_t>(trigonometry_floats_) * (brackets ? 3 : 1), 0);
    for (size_t table = 0; table * trigonometry_floats_ < trigonometry.size(); ++table) {
      for (int m = 0; m <= form.order; ++m) {
        // (sin m alpha)' = m cos m alpha, (cos m alpha)' = -m sin m alpha
        const double of_cosine = table == 0 ? 1 : table == 1 ? m : -m, of_sine = table == 0 ? 1 : -of_cosine;
        for (int j = 0; j < form.points; ++j) {
          const int run = j / arguments_.run_width;
          float* to = &trigonometry[table * trigonometry_floats_ + run * arguments_.trigonometry_stride +
                                    2 * m * width + j % arguments_.run_width];
          to[0] = static_cast<float>(of_cosine * form.cosines[m * form.points + j]);
          to[width] = static_cast<float>(of_sine * form.sines[m * form.points + j]);
        }
      }
    }
    arguments_.trigonometry = (trigonometry_ = Table(trigonometry)).data();
  }

  /// The factors of a term, given where the slots of both sectors begin.
  void append_factors(const GridForm::Band& left, int32_t left_slot, const GridForm::Band& right, int32_t right_slot,
                      bool bracket, std::vector<Factors>& factors) const {
    const auto value = [](const GridForm::Band& band, int32_t slot) {
      return Signal{.slot = slot, .order = band.order};
    };
    const auto polar = [](const GridForm::Band& band, int32_t slot) {
      return Signal{.slot = slot + slots_of(band), .order = band.order};
    };
    const auto azimuthal = [&](const GridForm::Band& band, int32_t slot, int table) {
      return Signal{.slot = slot, .order = band.order, .swap = 1, .trigonometry = table * trigonometry_floats_};
    };
    if (bracket) {
      factors.push_back({polar(left, left_slot), azimuthal(right, right_slot, 1)});
      factors.push_back({azimuthal(left, left_slot, 2), polar(right, right_slot)});
    } else {
      factors.push_back({value(left, left_slot), value(right, right_slot)});
    }
  }

  void make_target_tables(const GridForm& form, int l, int r, int target, const std::vector<int32_t>& reached) {
    std::vector<FromRings> rows;
    std::vector<Sector> sectors;
    std::vector<Factors> factors;
    std::vector<float> legendre;
    std::vector<int32_t> slots[2];  // where each sector's begin
    int32_t slot = 0;
    for (int side = 0; side < 2; ++side) {
      for (const GridForm::Band& band : form.sectors[side ? r : l]) {
        slots[side].push_back(slot);
        slot += all_slots_of(band);
      }
    }
    for (int32_t s : reached) {
      const GridForm::Band& band = form.sectors[target][s];
      Sector sector{.order = band.order, .first = static_cast<int32_t>(rows.size())};
      sector.term_begin = static_cast<int32_t>(factors.size());
      for (size_t t = 0; t < form.terms.size(); ++t) {
        const Term& term = form.terms[t];
        if (term.sector[target] != s) continue;
        const int32_t a = term.sector[l], b = term.sector[r];
        append_factors(form.sectors[l][a], slots[0][a], form.sectors[r][b], slots[1][b], form.brackets[t], factors);
      }
      sector.term_end = static_cast<int32_t>(factors.size());
      sectors.push_back(sector);

      int32_t row = band.first;
      size_t from = 0;
      for (int m = 0; m <= band.order; ++m) {
        for (int parity = 0; parity < 2; ++parity) {
          const int count = band.components(m, parity);
          rows.push_back({row, count, static_cast<int32_t>(legendre.size())});
          row += count * (m ? 2 : 1);
          for (int n = 0; n < count; ++n, from += form.rings) {
            const size_t begin = legendre.size();
            legendre.resize(begin + arguments_.target_ring_stride, 0);
            for (int ring = 0; ring < form.rings; ++ring) {
              const int chunk = ring / arguments_.chunk, in_chunk = ring % arguments_.chunk;
              const int pass = chunk * arguments_.passes + in_chunk / arguments_.pass_rings;
              legendre[begin + pass * arguments_.pass_stride + in_chunk % arguments_.pass_rings] =
                  static_cast<float>(band.legendre[from + ring] * form.ring_weights[ring]);
            }
          }
        }
      }
    }
    arguments_.from_rings = (from_rings_ = Table(rows)).data();
    arguments_.sectors = (sectors_ = Table(sectors)).data();
    arguments_.factors = (factors_ = Table(factors)).data();
    arguments_.target_legendre = (target_legendre_ = Table(legendre)).data();

    arguments_.target_trigonometry_stride = form.points * 2 * kOrders;
    std::vector<float> trigonometry(arguments_.target_trigonometry_stride * (form.order / kOrders + 1), 0);
    for (int m = 0; m <= form.order; ++m) {
      for (int j = 0; j < form.points; ++j) {
        float* to = &trigonometry[m / kOrders * arguments_.target_trigonometry_stride + j * 2 * kOrders + m % kOrders];
        to[0] = static_cast<float>(form.cosines[m * form.points + j] * form.point_weights[j]);
        to[kOrders] = static_cast<float>(form.sines[m * form.points + j] * form.point_weights[j]);
      }
    }
    arguments_.target_trigonometry = (target_trigonometry_ = Table(trigonometry)).data();
  }

  int32_t trigonometry_floats_ = 0;  // of one table
  Table<ToRings> to_rings_;
  Table<Factors> factors_;
  Table<FromRings> from_rings_;
  Table<Sector> sectors_;
  Table<float> legendre_, trigonometry_, target_legendre_, target_trigonometry_;
};

}  // namespace

std::unique_ptr<Program> make_grid_program(const Group& group, const int32_t (&dim)[kOperands], int target,
                                           const Device& device) {
  return std::make_unique<GridProgram>(group, dim, target, device);
}

}  // namespace gauntlet::cuda
