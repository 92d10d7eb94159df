#include "esp/esp_mqtt_client.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include "esp/stack_watch.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "hal/tasks.h"

namespace stetho::esp {
namespace {

// Jobs: a message is one until its PUBACK, plus the subscriptions, open and close of two connections.
constexpr UBaseType_t kJobs = MqttConnection::kMostMessages + 24;
constexpr UBaseType_t kKeptFree = 8;  // for open and close
constexpr TickType_t kTurn = pdMS_TO_TICKS(20);
constexpr int kSettleTurns = 150;  // 3 s

}  // namespace

bool EspMqttClient::begin() {
    jobs_ = xQueueCreate(kJobs, sizeof(Job));
    return jobs_ != nullptr &&
           xTaskCreatePinnedToCore(run, hal::kMqttJobsTask.name, hal::kMqttJobsTask.stack_bytes, this,
                                   hal::kMqttJobsTask.priority, nullptr,
                                   hal::kMqttJobsTask.core) == pdPASS;
}

bool EspMqttClient::connect(const hal::MqttOptions& options) {
    disconnect();
    if (jobs_ == nullptr || options.host.empty() || uxQueueSpacesAvailable(jobs_) < kKeptFree) {
        return false;
    }
    connection_ =
        new (std::nothrow) MqttConnection(options, events_, finder_, {acknowledged, this, ++connection_number_});
    return connection_ != nullptr && give({.kind = JobKind::kOpen, .connection = connection_});
}

void EspMqttClient::disconnect() {
    if (connection_ == nullptr) {
        return;
    }
    connection_->give_up();
    give({.kind = JobKind::kClose, .connection = connection_});
    connection_ = nullptr;
}

bool EspMqttClient::subscribe(std::string_view topic) {
    return connection_ != nullptr && connection_->is_connected() && topic.size() <= hal::kMaxTopicBytes &&
           give_copy({.kind = JobKind::kSubscribe, .connection = connection_}, topic, {});
}

int EspMqttClient::publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                           bool retain) {
    if (connection_ == nullptr || !connection_->is_connected() || topic.size() > hal::kMaxTopicBytes ||
        payload.empty() || connection_->held_messages >= MqttConnection::kMostMessages ||
        connection_->held_bytes + payload.size() > outbox_bytes_) {
        return hal::kMqttFull;
    }
    token_ = token_ == std::numeric_limits<int>::max() ? 1 : token_ + 1;
    if (qos > 0) {  // before the task sees it: it counts down
        connection_->held_bytes += payload.size();
        ++connection_->held_messages;
    }
    const Job job{.kind = JobKind::kPublish,
                  .qos = qos,
                  .retain = retain,
                  .number = token_,
                  .connection = connection_};
    if (give_copy(job, topic, payload)) {
        return qos == 0 ? hal::kMqttUntracked : token_;
    }
    if (qos > 0) {
        connection_->held_bytes -= payload.size();
        --connection_->held_messages;
    }
    return hal::kMqttFull;
}

void EspMqttClient::settle() {
    for (int turn = 0; turn < kSettleTurns && undone_ > 0; ++turn) {
        vTaskDelay(kTurn);
    }
}

bool EspMqttClient::give(const Job& job) {
    ++undone_;
    if (xQueueSend(jobs_, &job, 0) == pdTRUE) {
        return true;
    }
    --undone_;
    return false;
}

bool EspMqttClient::give_copy(Job job, std::string_view topic, std::span<const std::uint8_t> payload) {
    if (uxQueueSpacesAvailable(jobs_) <= kKeptFree) {
        return false;
    }
    auto* copy = static_cast<std::uint8_t*>(std::malloc(topic.size() + 1 + payload.size()));
    if (copy == nullptr) {
        return false;
    }
    std::copy(topic.begin(), topic.end(), copy);
    copy[topic.size()] = 0;
    std::copy(payload.begin(), payload.end(), copy + topic.size() + 1);
    job.bytes = copy;
    job.topic_bytes = topic.size();
    job.payload_bytes = payload.size();
    if (give(job)) {
        return true;
    }
    std::free(copy);
    return false;
}

bool EspMqttClient::acknowledged(void* self, std::uint32_t connection_number, int id) {
    return static_cast<EspMqttClient*>(self)->give(
        {.kind = JobKind::kAcknowledge, .number = id, .connection_number = connection_number});
}

void EspMqttClient::run(void* self) {
    auto* client = static_cast<EspMqttClient*>(self);
    Job job{};
    StackWatch stack(hal::kMqttJobsTask);
    for (;;) {
        if (xQueueReceive(client->jobs_, &job, portMAX_DELAY) == pdTRUE) {
            client->do_job(job);
            std::free(job.bytes);
            --client->undone_;
            stack.look();
        }
    }
}

void EspMqttClient::do_job(const Job& job) {
    const auto* bytes = static_cast<const std::uint8_t*>(job.bytes);
    switch (job.kind) {
        case JobKind::kOpen:
            open_ = job.connection;
            open_->open();
            break;
        case JobKind::kSubscribe:
            job.connection->subscribe(reinterpret_cast<const char*>(bytes));
            break;
        case JobKind::kPublish:
            job.connection->publish(reinterpret_cast<const char*>(bytes),
                                    {bytes + job.topic_bytes + 1, job.payload_bytes}, job.qos, job.retain,
                                    job.number);
            break;
        case JobKind::kAcknowledge:
            if (open_ != nullptr && open_->number() == job.connection_number) {
                open_->acknowledge(job.number);
            }
            break;
        case JobKind::kClose:
            job.connection->close();
            delete job.connection;
            open_ = nullptr;
            break;
    }
}

}  // namespace stetho::esp
