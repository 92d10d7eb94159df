// Pool of sample blocks in memory of the caller, chained into lists: recordings come and go in any order
// without fragmentation and without heap. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho {

// List of blocks of one recording, oldest first.
struct BlockChain {
    std::uint32_t blocks = 0;
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};

class BlockPool {
  public:
    static constexpr std::uint32_t kBlockSamples = 512;

    // `samples`: the blocks. `links`: one number per block, `samples.size() / kBlockSamples` of them; at most
    // 65,534 blocks are used. Both outlive the pool.
    BlockPool(std::span<std::int16_t> samples, std::span<std::uint16_t> links);

    // Appends a free block to `chain`. False: no block is free.
    bool append(BlockChain& chain);
    // Frees the first block of `chain`, which has one.
    void release_first(BlockChain& chain);
    // Frees all but the first `blocks` blocks of `chain`.
    void truncate(BlockChain& chain, std::uint32_t blocks);

    // Copies samples of `chain`, from the sample at `offset` on, until `out` is full.
    void copy(const BlockChain& chain, std::uint32_t offset, std::span<std::int16_t> out) const;
    // Returns the samples of the last block of `chain`, which has one.
    std::span<std::int16_t> last_block(const BlockChain& chain) const { return samples_of(chain.last); }

    std::uint32_t free_blocks() const { return free_blocks_; }
    std::uint32_t capacity_samples() const { return static_cast<std::uint32_t>(samples_.size()); }

    // Returns how many blocks hold `samples` samples.
    static constexpr std::uint32_t blocks_for(std::uint32_t samples) {
        return samples / kBlockSamples + (samples % kBlockSamples != 0 ? 1 : 0);
    }

  private:
    void release(std::uint16_t first, std::uint16_t last, std::uint32_t count);
    std::uint16_t block_at(const BlockChain& chain, std::uint32_t index) const;
    std::span<std::int16_t> samples_of(std::uint16_t block) const;

    std::span<std::int16_t> samples_;
    std::span<std::uint16_t> links_;  // of each block: the next of its chain, or the next free one
    std::uint16_t free_block_ = 0;
    std::uint32_t free_blocks_ = 0;
};

}  // namespace stetho
