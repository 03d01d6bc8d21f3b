using AgentLightning.Common;
using AgentLightning.Engine.Tuned;
using AgentLightning.Models.Loops;
using AgentLightning.Training;

namespace AgentLightning.Engine.Learning;

/// <summary>
/// The folder of a run while it goes on in this process: what the loops save there goes to the store as one checkpoint, and a checkpoint of
/// another process comes from there.
/// </summary>
internal sealed class LearningRun : IDisposable
{
    private const string IdFile = "run_id";
    private readonly DirectoryInfo _folder;
    private readonly TrainingJob _job;
    private readonly TimeProvider _clock;
    private long _saved;

    private LearningRun(TrainingJob job, TimeProvider clock)
    {
        (_job, _clock, _saved) = (job, clock, clock.GetTimestamp());
        var name = $"lightning-run-{job.Run.Id}-";
        // A process that was killed left its folder; one that stands still has lost the run, and its folder with it.
        foreach (var left in Directory.EnumerateDirectories(Path.GetTempPath(), name + "*"))
        {
            Directory.Delete(left, recursive: true);
        }

        _folder = Directory.CreateTempSubdirectory(name);
        Loop = new RunFolder(Path.Combine(_folder.FullName, "run"))
        {
            IsDue = () => job.Checkpoints is { } checkpoints && _clock.GetElapsedTime(_saved) >= checkpoints.Interval,
            Saved = SaveAsync,
        };
        Output = Path.Combine(_folder.FullName, "output");
    }

    /// <summary>What the loops write to.</summary>
    public RunFolder Loop { get; }

    /// <summary>Where the tuned model is written to.</summary>
    public string Output { get; }

    /// <summary>With the checkpoint of the run where it has one. One that is damaged is left out: the run begins again.</summary>
    public static async Task<LearningRun> OpenAsync(
        TrainingJob job,
        TimeProvider clock,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var run = new LearningRun(job, clock);
        try
        {
            var content = job.Checkpoints is null ? null : await job.Checkpoints.OpenAsync(cancellationToken).ConfigureAwait(false);
            if (content is not null)
            {
                await using (content.ConfigureAwait(false))
                {
                    await TunedArchive.ReadFolderAsync(content, run.Loop.Path, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (LightningException e) when (e.Kind == ErrorKind.Corrupt)
        {
            progress?.Report(TrainingProgress.Say($"The checkpoint cannot be used, so the run begins again. {e.Message}"));
            if (Directory.Exists(run.Loop.Path))
            {
                Directory.Delete(run.Loop.Path, recursive: true);
            }
        }
        catch
        {
            run.Dispose();
            throw;
        }

        return run;
    }

    public void Dispose()
    {
        // Whoever took the run over may have removed it.
        if (Directory.Exists(_folder.FullName))
        {
            _folder.Delete(recursive: true);
        }
    }

    private async Task SaveAsync(int step, CancellationToken cancellationToken)
    {
        _saved = _clock.GetTimestamp();
        if (_job.Checkpoints is not { } checkpoints)
        {
            return;
        }

        // With the id of the run no other record can name the same content, and it may be removed.
        await File.WriteAllTextAsync(Path.Combine(Loop.Path, IdFile), _job.Run.Id, cancellationToken).ConfigureAwait(false);
        await checkpoints
            .SaveAsync(
                step,
                stream => TunedArchive.WriteFolderAsync(stream, Loop.Path, name => name != "run.lock", cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
    }
}
