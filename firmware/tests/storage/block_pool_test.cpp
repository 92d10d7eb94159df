#include "core/storage/block_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace stetho;

namespace {

constexpr std::uint32_t kBlock = BlockPool::kBlockSamples;

struct Memory {
    explicit Memory(std::size_t blocks) : samples(blocks * kBlock), links(blocks), pool(samples, links) {}
    std::vector<std::int16_t> samples;
    std::vector<std::uint16_t> links;
    BlockPool pool;
};

// Appends a block of `value` to `chain`.
void append(BlockPool& pool, BlockChain& chain, std::int16_t value) {
    REQUIRE(pool.append(chain));
    std::ranges::fill(pool.last_block(chain), value);
}

}  // namespace

TEST_CASE("two chains that grow in turns keep their own blocks, in order") {
    Memory memory(4);
    BlockChain odd;
    BlockChain even;
    append(memory.pool, odd, 1);
    append(memory.pool, even, 2);
    append(memory.pool, odd, 3);
    append(memory.pool, even, 4);
    CHECK_FALSE(memory.pool.append(odd));
    std::vector<std::int16_t> out(3);
    memory.pool.copy(odd, kBlock - 2, out);
    CHECK(out == std::vector<std::int16_t>{1, 1, 3});
    memory.pool.copy(even, 2 * kBlock - 3, out);
    CHECK(out == std::vector<std::int16_t>{4, 4, 4});
}

TEST_CASE("blocks that are released are used again") {
    Memory memory(4);
    BlockChain chain;
    for (std::int16_t value = 1; value <= 4; ++value) append(memory.pool, chain, value);
    memory.pool.release_first(chain);
    memory.pool.truncate(chain, 2);
    CHECK(memory.pool.free_blocks() == 2);
    append(memory.pool, chain, 5);
    std::vector<std::int16_t> out(3 * kBlock);
    memory.pool.copy(chain, 0, out);
    CHECK(out[0] == 2);
    CHECK(out[kBlock] == 3);
    CHECK(out[2 * kBlock] == 5);
    memory.pool.truncate(chain, 0);
    CHECK(memory.pool.free_blocks() == 4);
}

TEST_CASE("a pool has no more blocks than it has links") {
    std::vector<std::int16_t> samples(4 * kBlock);
    std::vector<std::uint16_t> links(2);
    CHECK(BlockPool(samples, links).free_blocks() == 2);
    CHECK(BlockPool(samples, links).capacity_samples() == 2 * kBlock);
    CHECK(BlockPool({}, {}).free_blocks() == 0);
}
