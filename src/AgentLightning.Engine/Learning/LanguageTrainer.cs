using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Engine.Backends;
using AgentLightning.Engine.Tuned;
using AgentLightning.Models.Loops;
using AgentLightning.Training;

namespace AgentLightning.Engine.Learning;

/// <summary>Trains language models of this machine: as adapters, or whole.</summary>
public sealed class LanguageTrainer(ModelCatalog catalog, TunedModels tuned, MachineMemory memory, TimeProvider clock)
{
    /// <summary>Everything that is wrong with a plan, and whether this machine can hold it.</summary>
    public async Task<TrainingCheck> CheckAsync(TrainingPlan plan, CancellationToken cancellationToken)
    {
        var (settings, found) = LearningSettings.Read(plan.Method, plan.Hyperparameters);
        List<string> mistakes = [.. found];
        if (plan.BaseModel.Length == 0)
        {
            var names = catalog.Names();
            mistakes.Add(
                "base_model is required: a model of this machine, or the tuned model of an earlier run. There is: "
                    + $"{(names.Count > 0 ? string.Join(", ", names) : "none; bring one here with 'lightning model pull'")}."
            );
            return new TrainingCheck(mistakes);
        }

        try
        {
            using var model = await BaseModel
                .OpenAsync(plan.BaseModel, plan.BaseRun, catalog, tuned, cancellationToken)
                .ConfigureAwait(false);
            CheckTemplate(model, mistakes);
            return new TrainingCheck(
                mistakes,
                mistakes.Count > 0 ? null : Refusal(model, settings, plan.Method),
                plan.BaseRun is null ? catalog.NameOf(plan.BaseModel) : plan.BaseModel
            );
        }
        catch (LightningException e)
        {
            return new TrainingCheck([.. mistakes, e.Message]);
        }
    }

    /// <summary>Trains, from the checkpoint of the run where it has one.</summary>
    internal Task<TunedModel> TrainAsync(TrainingJob job, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken) =>
        LanguageModel.GuardAsync(async () =>
        {
            var method = job.Run.Method;
            var (settings, mistakes) = LearningSettings.Read(method, job.Run.Hyperparameters);
            if (mistakes.Count > 0)
            {
                throw LightningException.Invalid(string.Join('\n', mistakes));
            }

            using var model = await BaseModel
                .OpenAsync(job.Run.BaseModel, job.BaseRun, catalog, tuned, cancellationToken)
                .ConfigureAwait(false);
            if (Refusal(model, settings, method) is { } reason)
            {
                throw LightningException.Conflict(reason);
            }

            var hash = model.Sha256;
            var data = await LearningData.ReadAsync(job, model, settings, cancellationToken).ConfigureAwait(false);
            progress?.Report(TrainingProgress.Say(data.Summary));
            var run = await LearningRun.OpenAsync(job, clock, progress, cancellationToken).ConfigureAwait(false);
            try
            {
                using var learner = Learner.Create(model, settings, method, cancellationToken);
                progress?.Report(TrainingProgress.Say(learner.Summary));
                var steps = settings.StepsFor(data.Count);
                var metrics = await LearningLoops
                    .RunAsync(learner, data, settings, method, steps, run, clock, progress, cancellationToken)
                    .ConfigureAwait(false);
                var kind = await learner.SaveAsync(run.Output, cancellationToken).ConfigureAwait(false);
                var manifest = new TunedManifest(
                    TunedManifest.Name,
                    kind,
                    model.Name,
                    hash,
                    kind == TunedKind.Adapter ? model.LoadTokenizer().ChatTemplate?.Source : null
                );
                return new TunedModel(
                    $"{job.Run.AgentId}-{job.Run.Id[^6..]}",
                    stream => TunedArchive.WriteAsync(stream, manifest, run.Output, cancellationToken),
                    new Dictionary<string, double>(metrics) { ["examples"] = data.Count, ["steps"] = steps },
                    run.Dispose
                );
            }
            catch
            {
                run.Dispose();
                throw;
            }
        });

    private static void CheckTemplate(BaseModel model, List<string> mistakes)
    {
        if (model.LoadTokenizer().ChatTemplate is null)
        {
            mistakes.Add(
                $"The base model {model.Name} has no chat template, so nobody knows how messages become its prompt. Add "
                    + $"chat_template.jinja to its folder."
            );
        }
    }

    /// <summary>Why this machine cannot hold a run; null when it can.</summary>
    private string? Refusal(BaseModel model, LearningSettings settings, TrainingMethod method)
    {
        var (needed, free) = (model.Estimate(settings, LearningSettings.Draws(method)), memory.Available);
        if (needed <= free)
        {
            return null;
        }

        var lower = new[]
        {
            settings.Full ? "train an adapter (full false)" : "lora_rank",
            "max_length",
            "tokens_at_once",
            LearningSettings.Draws(method) ? "batch_size, attempts or answer_tokens" : null,
            settings.LowMemory ? null : "or set low_memory to true",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Training {model.Name} by {EnumText.Of(method)} would take about {needed / 1e9:F2} GB of memory, but {free / 1e9:F2} GB are "
                + $"free. Lower {string.Join(", ", lower.OfType<string>())}, or take a smaller base model."
        );
    }
}
