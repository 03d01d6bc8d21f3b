using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;

namespace AgentLightning.Capture;

/// <summary>
/// Takes many episodes and rewards at once. What is said to be accepted is on disk, redacted. Records are idempotent by their ids: of two
/// with one id the first stays. Contents of episodes are not compared, because what is stored is redacted.
/// </summary>
public sealed class CaptureBatch(EpisodeRecorder recorder, ReleaseClaims claims, AssignReward rewards, Redactor redactor, TimeProvider time)
    : IOperation
{
    /// <summary>Lines that are read, redacted and stored together.</summary>
    private const int LinesTogether = 1_000;

    /// <summary>The same in bytes of their lines, so that long ones do not lie in memory a thousand at a time.</summary>
    private const long BytesTogether = 4 * 1024 * 1024;

    /// <summary>
    /// Stores a batch of lines of JSON, each with <c>type</c> <c>episode</c> or <c>reward</c>; role write. Rewards of one episode are given
    /// in the order of their lines, and may stand before the line of the episode. A line that cannot be taken, also one of an agent that
    /// the scope is not for, is told and does not stop the others. A batch that is too large is <see cref="ErrorKind.Invalid"/>; with
    /// <see cref="ErrorKind.Unavailable"/> or a cancelled call a part may be stored, and sending it all again is right.
    /// </summary>
    public async Task<CaptureOutcome> AddAsync(Scope scope, Stream lines, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var work = new Work(recorder, claims, rewards, redactor, time, scope);
        var (group, bytes) = (new List<CaptureLine>(LinesTogether), 0L);
        // One group is stored while the next is read: each step waits for the one before.
        var storing = Task.CompletedTask;
        try
        {
            await foreach (var (number, line) in LineReader.ReadAsync(lines, cancellationToken).ConfigureAwait(false))
            {
                group.Add(CaptureLine.Parse(number, line));
                bytes += line.Length;
                if (group.Count >= LinesTogether || bytes >= BytesTogether)
                {
                    await storing.ConfigureAwait(false);
                    storing = work.StoreAsync(group, cancellationToken);
                    (group, bytes) = (new List<CaptureLine>(LinesTogether), 0L);
                }
            }
        }
        finally
        {
            // What was begun is ended, also when the batch turns out to be too long.
            await storing.ConfigureAwait(false);
        }

        await work.StoreAsync(group, cancellationToken).ConfigureAwait(false);
        return work.End();
    }

    /// <summary>Where a batch stands.</summary>
    private sealed class Work(
        EpisodeRecorder recorder,
        ReleaseClaims claims,
        AssignReward rewards,
        Redactor redactor,
        TimeProvider time,
        Scope scope
    )
    {
        private readonly List<RejectedLine> _rejected = [];

        /// <summary>Rewards whose episode has not come yet, by its id.</summary>
        private readonly Dictionary<string, List<(CaptureLine Line, RewardRequest Request)>> _early = new(StringComparer.Ordinal);

        private int _accepted,
            _duplicates;

        public async Task StoreAsync(List<CaptureLine> group, CancellationToken cancellationToken)
        {
            // Off the reader's thread from the first line on.
            await Task.Yield();
            foreach (var line in group.Where(line => line.Problem is not null))
            {
                Reject(line, line.Problem!);
            }

            var came = await StoreEpisodesAsync(group, cancellationToken).ConfigureAwait(false);
            var given = new List<(CaptureLine Line, RewardRequest Request)>();
            foreach (var id in came.Where(_early.ContainsKey))
            {
                given.AddRange(_early[id]);
                _early.Remove(id);
            }

            foreach (var line in group.Where(line => line.Reward is not null))
            {
                Try(line, () => given.Add((line, line.Reward!.ToRequest())));
            }

            await StoreRewardsAsync([.. given.OrderBy(one => one.Line.Number)], cancellationToken).ConfigureAwait(false);
        }

        /// <summary>What became of the batch. An episode that did not come is none.</summary>
        public CaptureOutcome End()
        {
            foreach (var (line, request) in _early.Values.SelectMany(early => early))
            {
                Reject(line, AssignReward.UnknownEpisode(request.EpisodeId));
            }

            return new CaptureOutcome(_accepted, _duplicates, [.. _rejected.OrderBy(rejected => rejected.Line)]);
        }

        /// <summary>Gives the ids of those that are stored.</summary>
        private async Task<HashSet<string>> StoreEpisodesAsync(List<CaptureLine> group, CancellationToken cancellationToken)
        {
            var (lines, episodes) = (new List<CaptureLine>(group.Count), new List<Episode>(group.Count));
            foreach (var line in group.Where(line => line.Episode is not null))
            {
                Try(line, () =>
                {
                    episodes.Add(EpisodeCheck.ToEpisode(line.Episode!, scope, time.GetUtcNow()));
                    lines.Add(line);
                });
            }

            var came = new HashSet<string>(StringComparer.Ordinal);
            if (episodes.Count == 0)
            {
                return came;
            }

            for (var i = 0; i < episodes.Count; i++)
            {
                episodes[i] = await claims.SettleAsync(episodes[i], cancellationToken).ConfigureAwait(false);
            }

            var attempts = await recorder.StoreGroupAsync(episodes, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < attempts.Count; i++)
            {
                if (attempts[i].Value is { } added)
                {
                    Count(added.IsNew);
                    came.Add(episodes[i].Id);
                }
                else
                {
                    Reject(lines[i], attempts[i].Problem!);
                }
            }

            return came;
        }

        private async Task StoreRewardsAsync(List<(CaptureLine Line, RewardRequest Request)> given, CancellationToken cancellationToken)
        {
            if (given.Count == 0)
            {
                return;
            }

            var attempts = await rewards
                .AssignAllAsync(scope, given.ConvertAll(one => one.Request), cancellationToken)
                .ConfigureAwait(false);
            for (var i = 0; i < attempts.Count; i++)
            {
                if (attempts[i].Value is { } assigned)
                {
                    Count(assigned.IsNew);
                }
                else if (attempts[i].Problem is { Kind: ErrorKind.NotFound })
                {
                    var id = given[i].Request.EpisodeId;
                    (_early.TryGetValue(id, out var early) ? early : _early[id] = []).Add(given[i]);
                }
                else
                {
                    Reject(given[i].Line, attempts[i].Problem!);
                }
            }
        }

        private void Try(CaptureLine line, Action check)
        {
            try
            {
                check();
            }
            catch (LightningException e) when (e.Kind != ErrorKind.Unavailable)
            {
                Reject(line, e);
            }
        }

        private void Count(bool isNew) => _ = isNew ? _accepted++ : _duplicates++;

        private void Reject(CaptureLine line, LightningException problem) =>
            _rejected.Add(
                new RejectedLine(
                    line.Number,
                    line.Id is null ? null : redactor.Redact(line.Id),
                    redactor.Redact(problem.Message),
                    problem.Kind
                )
            );
    }
}
