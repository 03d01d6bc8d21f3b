using System.Buffers;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;

namespace AgentLightning.Capture;

/// <summary>
/// Takes episodes and rewards that clients send. What a call says is accepted is on disk, redacted. Records are idempotent by their ids: of
/// two with one id the first stays. Contents are not compared, because what is stored is redacted.
/// </summary>
public sealed class CaptureService(
    EpisodeRecorder recorder,
    IEpisodeStore episodes,
    RewardService rewards,
    IRewardStore rewardStore,
    Redactor redactor,
    TimeProvider time
)
{
    /// <summary>Episodes on their way to disk at once, so that they share commits.</summary>
    private const int MostPending = 512;

    /// <summary>
    /// Stores one episode. Wrong fields, and an agent for which <paramref name="mayWrite"/> is false, are <see cref="ErrorKind.Invalid"/>;
    /// an id that another agent's episode has is <see cref="ErrorKind.Conflict"/>; <see cref="ErrorKind.Unavailable"/> means that nothing
    /// is stored and the same request may succeed later.
    /// </summary>
    /// <param name="mayWrite">Whether the caller may write records of an agent.</param>
    public async Task<CapturedEpisode> AddEpisodeAsync(EpisodeInput input, Func<string, bool> mayWrite, CancellationToken cancellationToken)
    {
        var episode = Check(input, mayWrite);
        if (await KnownAsync(episode, cancellationToken).ConfigureAwait(false) is { } known)
        {
            return known;
        }

        await StoreAsync(episode, cancellationToken).ConfigureAwait(false);
        return new CapturedEpisode(episode.Id, episode.AgentId, episode.CreatedAt, Duplicate: false);
    }

    /// <summary>
    /// Stores a batch of lines of JSON, each with <c>type</c> <c>episode</c> or <c>reward</c>, in their order; a reward may name an episode
    /// of a line before. A line that cannot be taken is told and does not stop the others. A batch that is too large is
    /// <see cref="ErrorKind.Invalid"/>; with <see cref="ErrorKind.Unavailable"/> or a cancelled call a part may be stored, and sending it
    /// all again is right.
    /// </summary>
    /// <param name="mayWrite">Whether the caller may write records of an agent.</param>
    public async Task<CaptureOutcome> AddBatchAsync(Stream lines, Func<string, bool> mayWrite, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        await foreach (var (number, line) in LineReader.ReadAsync(lines, cancellationToken).ConfigureAwait(false))
        {
            string? id = null;
            try
            {
                if (await AddLineAsync(line, batch, mayWrite, read => id = read, cancellationToken).ConfigureAwait(false))
                {
                    batch.Accepted++;
                }
                else
                {
                    batch.Duplicates++;
                }
            }
            catch (LightningException e) when (e.Kind is ErrorKind.Invalid or ErrorKind.NotFound or ErrorKind.Conflict)
            {
                batch.Rejected.Add(new RejectedLine(number, id is null ? null : redactor.Redact(id), redactor.Redact(e.Message)));
            }
        }

        await batch.StoredAsync().ConfigureAwait(false);
        return new CaptureOutcome(batch.Accepted, batch.Duplicates, batch.Rejected);
    }

    private async Task<bool> AddLineAsync(
        ReadOnlySequence<byte> line,
        Batch batch,
        Func<string, bool> mayWrite,
        Action<string?> tellId,
        CancellationToken cancellationToken
    )
    {
        var (type, episode, reward) = Parse(line);
        tellId(episode?.Id ?? reward?.RewardId);
        if (type == "episode")
        {
            var checkedEpisode = Check(episode!, mayWrite);
            if (batch.Pending.Count >= MostPending || batch.Ids.Contains(checkedEpisode.Id))
            {
                await batch.StoredAsync().ConfigureAwait(false);
            }

            if (await KnownAsync(checkedEpisode, cancellationToken).ConfigureAwait(false) is not null)
            {
                return false;
            }

            batch.Ids.Add(checkedEpisode.Id);
            batch.Pending.Add(StoreAsync(checkedEpisode, cancellationToken));
            return true;
        }

        await batch.StoredAsync().ConfigureAwait(false);
        return await AddRewardAsync(reward!, mayWrite, cancellationToken).ConfigureAwait(false);
    }

    private static (string Type, EpisodeInput? Episode, RewardInput? Reward) Parse(ReadOnlySequence<byte> line)
    {
        try
        {
            var type = LineType.Read(line);
            var reader = new Utf8JsonReader(line);
            return type switch
            {
                "episode" => (type, JsonSerializer.Deserialize<EpisodeInput>(ref reader, LightningJson.Options), null),
                "reward" => (type, null, JsonSerializer.Deserialize<RewardInput>(ref reader, LightningJson.Options)),
                null => throw LightningException.Invalid("A line must be an object with a type, episode or reward, but it has none."),
                _ => throw LightningException.Invalid(
                    $"type must be episode or reward, but it is '{(type.Length > 40 ? type[..40] + "…" : type)}'."
                ),
            };
        }
        catch (JsonException e)
        {
            throw new LightningException(
                ErrorKind.Invalid,
                e.Path is null or "$"
                    ? "The line cannot be read as JSON."
                    : $"The line is not the JSON that was expected: {LightningJson.Describe(e)}",
                e
            );
        }
    }

    private Episode Check(EpisodeInput input, Func<string, bool> mayWrite)
    {
        var episode = EpisodeCheck.ToEpisode(input, time.GetUtcNow());
        recorder.Check(episode);
        return mayWrite(episode.AgentId)
            ? episode
            : throw LightningException.Invalid($"This key may not write records of the agent '{episode.AgentId}'.");
    }

    private async Task<CapturedEpisode?> KnownAsync(Episode episode, CancellationToken cancellationToken) =>
        await episodes.FindAsync(episode.Id, cancellationToken).ConfigureAwait(false) switch
        {
            null => null,
            var stored when stored.AgentId == episode.AgentId => new CapturedEpisode(
                stored.Id,
                stored.AgentId,
                stored.CreatedAt,
                Duplicate: true
            ),
            _ => throw LightningException.Conflict(
                $"The id {episode.Id} is taken by another agent's episode. Give each episode an id of its own, or none."
            ),
        };

    private async Task StoreAsync(Episode episode, CancellationToken cancellationToken)
    {
        if (await recorder.TryStoreAsync(episode, cancellationToken).ConfigureAwait(false) is { } reason)
        {
            throw new LightningException(ErrorKind.Unavailable, $"{reason} Nothing is lost when the same request is sent again later.");
        }
    }

    /// <summary>True when it is new.</summary>
    private async Task<bool> AddRewardAsync(RewardInput input, Func<string, bool> mayWrite, CancellationToken cancellationToken)
    {
        var request = input.ToRequest();
        // What the caller may not see does not exist for it.
        var episode = await episodes.FindAsync(Ids.Check(request.EpisodeId, "episode_id"), cancellationToken).ConfigureAwait(false);
        if (episode is not null && !mayWrite(episode.AgentId))
        {
            throw RewardService.UnknownEpisode(request.EpisodeId);
        }

        var known = input.RewardId is null
            ? null
            : await rewardStore.FindAsync(Ids.Check(input.RewardId, "reward_id"), cancellationToken).ConfigureAwait(false);
        await rewards.AssignAsync(request, cancellationToken).ConfigureAwait(false);
        return known is null;
    }

    /// <summary>Where a batch stands.</summary>
    private sealed class Batch
    {
        public int Accepted { get; set; }

        public int Duplicates { get; set; }

        public List<RejectedLine> Rejected { get; } = [];

        public List<Task> Pending { get; } = [];

        /// <summary>Of <see cref="Pending"/>.</summary>
        public HashSet<string> Ids { get; } = [];

        /// <summary>Completes when everything so far is on disk.</summary>
        public async Task StoredAsync()
        {
            await Task.WhenAll(Pending).ConfigureAwait(false);
            Pending.Clear();
            Ids.Clear();
        }
    }
}
