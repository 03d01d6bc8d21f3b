using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Capture;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Evaluation;
using AgentLightning.Experiments;
using AgentLightning.Feedback;
using AgentLightning.Governance;
using AgentLightning.Health;
using AgentLightning.Jobs;
using AgentLightning.Lookup;
using AgentLightning.Monitoring;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Spending;
using AgentLightning.Storage;
using AgentLightning.Traces;
using AgentLightning.Training;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AgentLightning;

/// <summary>Where the records are kept, and the limits of the parts.</summary>
public sealed record LightningOptions
{
    /// <summary>
    /// Path of the SQLite file, whose artifacts lie beside it in <c>NAME.artifacts</c>; or, with <c>Host=</c>, the connection string of a
    /// PostgreSQL database, which holds its artifacts itself. <c>lightning.db</c> in the current folder by default.
    /// </summary>
    public string Store { get; init; } = "lightning.db";

    /// <summary>
    /// How long a write waits while another process holds the SQLite file, 1…600 s; 10 s by default. Then it is
    /// <see cref="ErrorKind.Unavailable"/>.
    /// </summary>
    public TimeSpan LockWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What is taken out of texts before they are written; everything by default.</summary>
    public RedactionOptions Redaction { get; init; } = new();

    /// <summary>How much of what comes in may be in memory at once.</summary>
    public ByteBudgetOptions Budget { get; init; } = new();

    public EpisodeRecorderOptions Recorder { get; init; } = new();

    /// <summary>How long records are kept; for ever by default.</summary>
    public RetentionOptions Retention { get; init; } = new();

    /// <summary>What data sets are made like where a request does not say.</summary>
    public DatasetOptions Datasets { get; init; } = new();

    public EvaluationGateOptions Gate { get; init; } = new();

    public RewardGuardOptions Guard { get; init; } = new();

    /// <summary>What tokens cost, as <see cref="ModelPrices"/> reads it; without prices, cost is compared in tokens.</summary>
    public string Prices { get; init; } = "";

    /// <summary>Whether releases answer; otherwise base models do, whatever was promoted. True by default.</summary>
    public bool UseTunedModel { get; init; } = true;

    /// <summary>Which language models of this machine are trained and served.</summary>
    public ModelOptions Models { get; init; } = new();

    public TrainingOptions Training { get; init; } = new();

    /// <summary>What is taken in by OpenTelemetry.</summary>
    public TraceOptions Traces { get; init; } = new();

    /// <summary>The store as it may be shown: a path, or host and database. Never a password.</summary>
    public string StoreName => StoreAddress.Parse(Store).Name;

    /// <summary>Whether <see cref="Store"/> is a PostgreSQL database.</summary>
    public bool UsesPostgres => StoreAddress.Parse(Store).Path is null;

    /// <summary>The folder of the artifacts of a SQLite <see cref="Store"/>.</summary>
    public string ArtifactFolder => Path.ChangeExtension(Store, ".artifacts");

    /// <summary>What is wrong with the parts, the first of each, with the part of the settings that it belongs to.</summary>
    public IEnumerable<(string Section, string Text)> Mistakes()
    {
        (string Section, Action Check)[] checks =
        [
            ("store", () => StoreAddress.Parse(Store)),
            ("limits", Budget.Validate),
            ("retention", Retention.Validate),
            ("redaction", Redaction.Validate),
            ("datasets", Datasets.Validate),
            ("gate", () => _ = new EvaluationGate(Gate)),
            ("guard", Guard.Validate),
            ("prices", () => _ = new ModelPrices(Prices)),
            ("traces", Traces.Validate),
            ("training", Training.Validate),
            ("models", Models.Validate),
            ("recorder", Recorder.Validate),
        ];
        foreach (var (section, check) in checks)
        {
            string? wrong = null;
            try
            {
                check();
            }
            catch (LightningException e)
            {
                wrong = e.Message;
            }

            if (wrong is not null)
            {
                yield return (section, wrong);
            }
        }
    }

    /// <summary>Not the one of a record, which would show the password.</summary>
    public override string ToString() => nameof(LightningOptions);
}

/// <summary>Puts the product together. What was registered before, a clock for example, stays.</summary>
public static class LightningServices
{
    public static IServiceCollection AddLightningServices(this IServiceCollection services, LightningOptions options)
    {
        var address = StoreAddress.Parse(options.Store);
        if (options.LockWait < TimeSpan.FromSeconds(1) || options.LockWait > TimeSpan.FromSeconds(600))
        {
            throw LightningException.Invalid(
                $"{nameof(LightningOptions.LockWait)} must be from 1 to 600 seconds, but it is {options.LockWait}."
            );
        }

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(options);
        services.TryAddSingleton<LightningMeter>();
        if (address.Path is { } path)
        {
            services.TryAddSingleton<SqlDatabase>(provider => new SqliteDatabase(
                path,
                options.LockWait,
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<LightningMeter>()
            ));
            services.TryAddSingleton<ChangeNotices>(provider => new SqliteChangeNotices(
                (SqliteDatabase)provider.GetRequiredService<SqlDatabase>(),
                provider.GetRequiredService<TimeProvider>()
            ));
            services.TryAddSingleton<IArtifactStore>(_ => new FolderArtifactStore(options.ArtifactFolder));
        }
        else
        {
            services.TryAddSingleton<SqlDatabase>(provider => new PostgresDatabase(
                address,
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<LightningMeter>()
            ));
            services.TryAddSingleton<ChangeNotices>(provider => new PostgresChangeNotices(
                (PostgresDatabase)provider.GetRequiredService<SqlDatabase>(),
                provider.GetRequiredService<TimeProvider>()
            ));
            services.TryAddSingleton<IArtifactStore, SqlArtifactStore>();
        }

        services.TryAddSingleton<IChangeNotices>(provider => provider.GetRequiredService<ChangeNotices>());
        services.TryAddSingleton<ILeaseStore, SqlLeaseStore>();
        services.TryAddSingleton<Leases>();
        services.TryAddSingleton<IJobStore, SqlJobStore>();
        services.TryAddSingleton<JobRunner>();
        services.TryAddSingleton(provider => new StoreCheck(provider.GetRequiredService<SqlDatabase>()));
        services.TryAddSingleton(new Redactor(options.Redaction));

        services.TryAddSingleton<IAuditLog, SqlAuditLog>();
        services.TryAddSingleton<AuditTrail>();
        services.TryAddSingleton<IApiKeyStore, SqlApiKeyStore>();
        services.TryAddSingleton<CreateKey>();
        services.TryAddSingleton<ListKeys>();
        services.TryAddSingleton<RevokeKey>();
        services.TryAddSingleton<ListAuditEntries>();
        services.TryAddSingleton<ApiKeyVerifier>();

        services.TryAddSingleton<IEpisodeStore, SqlEpisodeStore>();
        services.TryAddSingleton(options.Recorder);
        services.TryAddSingleton<EpisodeRecorder>();
        services.TryAddSingleton<EpisodeLookup>();
        services.TryAddSingleton<GetEpisode>();
        services.TryAddSingleton<ListEpisodes>();

        services.TryAddSingleton(provider => new StoreCheck(provider.GetRequiredService<SqlDatabase>()));
        services.TryAddSingleton<EpisodeRemoval>();
        services.TryAddSingleton<DeleteEpisodes>();
        services.TryAddSingleton(options.Retention);
        services.TryAddSingleton<RetentionSweeper>();
        services.AddSingleton<IBackgroundJob>(provider => provider.GetRequiredService<RetentionSweeper>());

        services.TryAddSingleton<IRewardStore, SqlRewardStore>();
        services.TryAddSingleton<RewardWriter>();
        services.TryAddSingleton<AssignReward>();
        services.TryAddSingleton<ListRewards>();

        services.TryAddSingleton<ReleaseClaims>();
        services.TryAddSingleton<CaptureEpisode>();
        services.TryAddSingleton<CaptureDraft>();
        services.TryAddSingleton<CaptureBatch>();
        services.TryAddSingleton<ExportEpisodes>();

        services.TryAddSingleton<IFeedbackStore, SqlFeedbackStore>();
        services.TryAddSingleton<GiveFeedback>();
        services.TryAddSingleton<GiveSignals>();
        services.TryAddSingleton<ListFeedback>();

        services.TryAddSingleton(options.Budget);
        services.TryAddSingleton<ByteBudget>();
        services.TryAddSingleton(options.Traces);
        services.TryAddSingleton<ITraceStore, SqlTraceStore>();
        services.TryAddSingleton<TraceIngestor>();
        services.TryAddSingleton<OtlpReceiver>();
        services.TryAddSingleton<ReceiveTelemetry>();
        services.TryAddSingleton<EpisodeAssembler>();
        services.TryAddSingleton<TraceDiagnostics>();
        services.TryAddSingleton<DiagnoseTraces>();

        services.TryAddSingleton<Ending>();
        services.TryAddSingleton<CheckHealth>();

        services.TryAddSingleton<IDatasetStore, SqlDatasetStore>();
        services.TryAddSingleton<DatasetReader>();
        services.TryAddSingleton<IDatasetMembers, SqlDatasetMembers>();
        services.TryAddSingleton(options.Datasets);
        services.TryAddSingleton(provider => new BuildDataset(
            provider.GetRequiredService<SqlDatabase>(),
            provider.GetRequiredService<IDatasetStore>(),
            provider.GetRequiredService<IArtifactStore>(),
            provider.GetRequiredService<Redactor>(),
            provider.GetRequiredService<DatasetOptions>(),
            provider.GetRequiredService<TimeProvider>()
        ));
        services.TryAddSingleton<BuildGolden>();
        services.TryAddSingleton<ListDatasets>();
        services.TryAddSingleton<ExportDataset>();

        services.TryAddSingleton(options.Models);
        services.TryAddSingleton<ITrainingRunStore, SqlTrainingRunStore>();
        services.AddTraining(options.Training);

        services.TryAddSingleton<IEvaluationStore, SqlEvaluationStore>();
        services.TryAddSingleton(options.Gate);
        services.TryAddSingleton<EvaluationGate>();
        services.TryAddSingleton<Evaluator>();
        services.TryAddSingleton<GetEvaluation>();
        services.TryAddSingleton<EvaluateRun>();

        services.TryAddSingleton<IDeploymentStore, SqlDeploymentStore>();
        services.TryAddSingleton<IReleaseSelection>(provider => new ReleaseSelection(
            provider.GetRequiredService<IDeploymentStore>(),
            provider.GetRequiredService<IExperimentStore>(),
            provider.GetRequiredService<Exposures>(),
            provider.GetRequiredService<IChangeNotices>(),
            options.UseTunedModel
        ));
        services.TryAddSingleton<ISpendStore, SqlSpendStore>();
        services.TryAddSingleton<SpendLedger>();
        services.TryAddSingleton<SelectRelease>();
        services.TryAddSingleton<IExperimentStore, SqlExperimentStore>();
        services.TryAddSingleton<Exposures>();
        services.TryAddSingleton(new ModelPrices(options.Prices));
        services.TryAddSingleton<StartExperiment>();
        services.TryAddSingleton<StopExperiment>();
        services.TryAddSingleton<GetExperiment>();
        services.TryAddSingleton<ListExperiments>();
        services.TryAddSingleton<ExperimentWatch>();
        services.AddSingleton<IBackgroundJob>(provider => provider.GetRequiredService<ExperimentWatch>());
        services.TryAddSingleton<IReleaseFigures, SqlReleaseFigures>();
        services.TryAddSingleton<Promote>();
        services.TryAddSingleton<PromoteBase>();
        services.TryAddSingleton<AddCandidates>();
        services.TryAddSingleton<Deactivate>();
        services.TryAddSingleton<Rollback>();
        services.TryAddSingleton<ListDeployments>();
        services.TryAddSingleton<GetDeployment>();
        services.TryAddSingleton<GetActiveDeployment>();
        services.TryAddSingleton<GetLineage>();
        services.TryAddSingleton<DataUseLookup>();
        services.TryAddSingleton<FindDataUse>();
        services.TryAddSingleton(options.Guard);
        services.TryAddSingleton<RewardGuard>();
        services.AddSingleton<IRewardObserver>(provider => provider.GetRequiredService<RewardGuard>());

        services.TryAddSingleton<IRewardTotals, SqlRewardTotals>();
        services.TryAddSingleton<AgentDirectory>();
        services.TryAddSingleton<GetStats>();
        services.TryAddSingleton<GetMonitoring>();
        services.TryAddSingleton<GetDashboard>();

        services
            .AddRecordIds(RecordKind.Episode, "episodes")
            .AddRecordIds(RecordKind.Reward, "rewards")
            .AddRecordIds(RecordKind.Feedback, "feedback")
            .AddRecordIds(RecordKind.Dataset, "datasets")
            .AddRecordIds(RecordKind.TrainingRun, "training_runs")
            .AddRecordIds(RecordKind.Evaluation, "evaluations")
            .AddRecordIds(RecordKind.Deployment, "deployments")
            .AddRecordIds(RecordKind.Experiment, "experiments")
            .AddRecordIds(RecordKind.Key, "api_keys", ofAgents: false)
            .AddRecordIds(RecordKind.AuditEntry, "audit_entries");
        services.TryAddSingleton<FindId>();

        services.TryAddSingleton<TriagePolicies>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IAnswererSource, TriageAnswerers>());
        services.TryAddSingleton<TriageFeedback>();
        return services;
    }

    private static IServiceCollection AddRecordIds(this IServiceCollection services, RecordKind kind, string table, bool ofAgents = true) =>
        services.AddSingleton<IRecordIds>(provider => new SqlRecordIds(provider.GetRequiredService<SqlDatabase>(), kind, table, ofAgents));

    /// <summary>
    /// Brings the store's schema up to date; call once before use. With <paramref name="create"/> false, a store that does not exist is
    /// <see cref="ErrorKind.NotFound"/> instead of made.
    /// </summary>
    public static Task OpenLightningAsync(this IServiceProvider provider, bool create, CancellationToken cancellationToken) =>
        provider.OpenLightningAsync(create, migrate: true, cancellationToken);

    /// <inheritdoc cref="OpenLightningAsync(IServiceProvider, bool, CancellationToken)"/>
    /// <param name="migrate">False leaves the schema as it is, for who wants to look at it.</param>
    public static async Task OpenLightningAsync(
        this IServiceProvider provider,
        bool create,
        bool migrate,
        CancellationToken cancellationToken
    )
    {
        var database = provider.GetRequiredService<SqlDatabase>();
        if (!create && !await database.ExistsAsync(cancellationToken).ConfigureAwait(false))
        {
            throw LightningException.NotFound(
                $"There is no store '{provider.GetRequiredService<LightningOptions>().StoreName}'. Name one with --store, or make one "
                    + $"with 'lightning db migrate', 'lightning serve' or 'lightning demo'."
            );
        }

        if (migrate)
        {
            await database.MigrateAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
