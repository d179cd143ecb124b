// How the lanes of a group map to memory. Lane n is channel n % channels of sample n / channels; a tile is a run of lanes.
#pragma once

#include <vector>

#include "core/executor.h"
#include "cpu/kernels.h"

namespace gauntlet {

/// One operand of a group, prepared for packing and unpacking tiles.
class SideTiles {
 public:
  SideTiles(const Side& side, int32_t dim, int32_t channels);

  int fiber() const { return fiber_; }
  size_t dim() const { return dim_; }

  /// A stretch of one block's components; long ones are cut so that a writer needs little room.
  struct Piece {
    int32_t offset;  // of its first component in channel 0
    int32_t stride;  // floats from one channel to the next
    int32_t channels;
    int32_t size;
    bool add;  // its rows were written by an earlier piece
    const int32_t* rows;
  };
  const std::vector<Piece>& pieces() const { return pieces_; }

  /// Lanes that are evenly spaced in memory, and the same of samples that follow.
  struct Segment {
    int64_t sample;   // where the first sample begins
    int32_t channel;  // of the block, for the first lane
    int lane, lanes;  // of the first sample
    bool moves;       // from channel to channel; otherwise all lanes are the same channel
    int samples;
    int end() const { return lane + lanes * samples; }
  };
  /// Lanes [first, first + count) of a tile, in as few segments as possible.
  struct Segments {
    Segment list[kTileLanes];
    int n = 0;
  };
  Segments cut(size_t first, int count) const;

  /// Fills the fiber rows of a tile; lanes beyond the segments become zero.
  void pack(const float* memory, size_t batch, const Segments& segments, float* tile, Ahead& ahead) const;
  void pack(const float* memory, size_t batch, const Segments& segments, float* tile) const {
    Ahead nothing;
    pack(memory, batch, segments, tile, nothing);
  }
  /// Fills the tile rows of one piece alone, its component m that of rows[m], or adds to them if it shares its rows.
  void pack(const float* memory, size_t batch, const Segments& segments, const Piece& piece, const int32_t* rows,
            float* tile, Ahead& ahead) const;

  /// Writes one piece back, or adds it to what is there; its component m is on tile row rows[m]. Lanes that share a channel
  /// are summed, which needs `add`. `large`: the result is too large for any cache.
  void unpack(float* memory, const Segments& segments, const Piece& piece, const int32_t* rows, const float* tile,
              bool add, bool large, Ahead& ahead) const;
  void unpack(float* memory, const Segments& segments, const Piece& piece, const int32_t* rows, const float* tile,
              bool add) const {
    Ahead nothing;
    unpack(memory, segments, piece, rows, tile, add, false, nothing);
  }
  /// Zeros in all that lanes of samples [begin, end) see.
  void clear(float* memory, size_t begin, size_t end) const;

 private:
  template <class F>
  void for_strips(const Segments& segments, const Piece& piece, const F& f) const;

  int32_t fiber_, dim_, channels_, divide_, modulo_, channels_seen_;
  std::vector<int32_t> rows_;
  std::vector<Piece> pieces_;
  bool lone_rows_;  // some fiber rows belong to no piece
};

}  // namespace gauntlet
