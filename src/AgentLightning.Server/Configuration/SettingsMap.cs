using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Evaluation;
using AgentLightning.Governance;
using AgentLightning.Retention;
using AgentLightning.Traces;
using AgentLightning.Training;

namespace AgentLightning.Server.Configuration;

/// <summary>Turns settings, which are numbers with a unit, into options, and back: the defaults and the ranges stand once.</summary>
internal static class SettingsMap
{
    public static LightningServerOptions ToOptions(this Settings settings) =>
        new()
        {
            Urls = settings.Urls,
            OtlpGrpcUrls = settings.OtlpGrpcUrls,
            AllowAnonymous = settings.AllowAnonymous,
            AllowedHosts = settings.AllowedHosts.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            MaxBodyBytes = settings.Limits.MaxBodyBytes,
            MaxConnections = settings.Limits.MaxConnections,
            MaxConnectionsPerAddress = settings.Limits.MaxConnectionsPerAddress,
            RateLimit = settings.Limits.RateLimit,
            LoopbackRateLimit = settings.Limits.LoopbackRateLimit,
            HeaderTimeout = TimeSpan.FromSeconds(settings.Limits.HeaderTimeoutSeconds),
            KeepAlive = TimeSpan.FromSeconds(settings.Limits.KeepAliveSeconds),
            Drain = TimeSpan.FromSeconds(settings.Drain.Seconds),
            DrainNotice = TimeSpan.FromSeconds(settings.Drain.NoticeSeconds),
            Gateway = settings.Gateway.ToOptions(),
            MetricsEndpoint = settings.Metrics.OtlpEndpoint.Length == 0 ? null : settings.Metrics.OtlpEndpoint,
            Lightning = new LightningOptions
            {
                Store = settings.Store,
                LockWait = TimeSpan.FromSeconds(settings.Limits.LockWaitSeconds),
                Budget = new ByteBudgetOptions
                {
                    Bytes = settings.Limits.BudgetBytes,
                    KeyPercent = settings.Limits.KeySharePercent,
                    ConnectionPercent = settings.Limits.ConnectionSharePercent,
                    FullWait = TimeSpan.FromSeconds(settings.Limits.BudgetWaitSeconds),
                },
                Retention = new RetentionOptions
                {
                    PayloadAge = Days(settings.Retention.PayloadsDays),
                    EpisodeAge = Days(settings.Retention.Days),
                    Interval = TimeSpan.FromMinutes(settings.Retention.IntervalMinutes),
                },
                Redaction = new RedactionOptions
                {
                    Secrets = settings.Redaction.Secrets,
                    Pii = settings.Redaction.Pii,
                    PseudonymKey = settings.Redaction.PseudonymKey.Length == 0 ? null : settings.Redaction.PseudonymKey,
                    Agents = settings.Redaction.Agents.ToDictionary(
                        agent => agent.Key,
                        agent => new AgentRedaction(agent.Value.Secrets, agent.Value.Pii)
                    ),
                },
                Datasets = settings.Datasets.ToOptions(),
                Gate = new EvaluationGateOptions
                {
                    Margin = settings.Gate.Margin,
                    FewestItems = settings.Gate.FewestItems,
                    Alpha = settings.Gate.Alpha,
                },
                Prices = settings.Prices,
                UseTunedModel = settings.UseTunedModel,
                Guard = new RewardGuardOptions
                {
                    FewestRewards = settings.Guard.FewestRewards,
                    Window = settings.Guard.Window,
                    Tolerance = settings.Guard.Tolerance,
                    Alpha = settings.Guard.Alpha,
                },
                Traces = new TraceOptions
                {
                    RootQuiet = TimeSpan.FromSeconds(settings.Traces.RootQuietSeconds),
                    Quiet = TimeSpan.FromSeconds(settings.Traces.QuietSeconds),
                    LongestOpen = TimeSpan.FromSeconds(settings.Traces.LongestOpenSeconds),
                    LateWindow = TimeSpan.FromSeconds(settings.Traces.LateWindowSeconds),
                    ReadInterval = TimeSpan.FromMilliseconds(settings.Traces.ReadIntervalMilliseconds),
                    MostSpans = settings.Traces.MostSpans,
                    LargestBody = settings.Traces.LargestBodyBytes,
                    FreshBytes = settings.Traces.FreshBytes,
                    GroupSize = settings.Traces.GroupSize,
                    DefaultAgent = settings.Traces.DefaultAgent,
                },
                Training = new TrainingOptions
                {
                    ParallelRuns = settings.Training.ParallelRuns,
                    CheckpointInterval = TimeSpan.FromSeconds(settings.Training.CheckpointSeconds),
                },
                Models = new ModelOptions { Folder = settings.Models.Folder, MostLoaded = settings.Models.MostLoaded },
                Recorder = new EpisodeRecorderOptions
                {
                    Capacity = settings.Recorder.Capacity,
                    CapacityBytes = settings.Recorder.CapacityBytes,
                    GroupSize = settings.Recorder.GroupSize,
                    FullWait = TimeSpan.FromSeconds(settings.Recorder.FullWaitSeconds),
                },
            },
        };

    public static Settings ToSettings(this LightningServerOptions options)
    {
        var lightning = options.Lightning;
        return new Settings
        {
            Urls = options.Urls,
            OtlpGrpcUrls = options.OtlpGrpcUrls,
            Store = lightning.Store,
            AllowAnonymous = options.AllowAnonymous,
            AllowedHosts = string.Join(';', options.AllowedHosts),
            Limits = new LimitSettings
            {
                MaxBodyBytes = options.MaxBodyBytes,
                MaxConnections = options.MaxConnections,
                MaxConnectionsPerAddress = options.MaxConnectionsPerAddress,
                RateLimit = options.RateLimit,
                LoopbackRateLimit = options.LoopbackRateLimit,
                HeaderTimeoutSeconds = Seconds(options.HeaderTimeout),
                KeepAliveSeconds = Seconds(options.KeepAlive),
                LockWaitSeconds = Seconds(lightning.LockWait),
                BudgetBytes = lightning.Budget.Bytes,
                KeySharePercent = lightning.Budget.KeyPercent,
                ConnectionSharePercent = lightning.Budget.ConnectionPercent,
                BudgetWaitSeconds = Seconds(lightning.Budget.FullWait),
            },
            Drain = new DrainSettings { Seconds = Seconds(options.Drain), NoticeSeconds = Seconds(options.DrainNotice) },
            Retention = new RetentionSettings
            {
                PayloadsDays = (int)Math.Ceiling((lightning.Retention.PayloadAge ?? TimeSpan.Zero).TotalDays),
                Days = (int)Math.Ceiling((lightning.Retention.EpisodeAge ?? TimeSpan.Zero).TotalDays),
                IntervalMinutes = (int)Math.Ceiling(lightning.Retention.Interval.TotalMinutes),
            },
            Redaction = new RedactionSettings
            {
                Secrets = lightning.Redaction.Secrets,
                Pii = lightning.Redaction.Pii,
                PseudonymKey = lightning.Redaction.PseudonymKey ?? "",
                Agents = lightning.Redaction.Agents.ToDictionary(
                    agent => agent.Key,
                    agent => new AgentRedactionSettings { Secrets = agent.Value.Secrets, Pii = agent.Value.Pii }
                ),
            },
            Datasets = new DatasetSettings
            {
                TrainSplit = lightning.Datasets.TrainSplit,
                MinReward = lightning.Datasets.MinReward,
                MaxExamples = lightning.Datasets.MaxExamples,
                IncludeTools = lightning.Datasets.IncludeTools,
                SystemPrompt = lightning.Datasets.SystemPrompt ?? "",
            },
            Gate = new GateSettings
            {
                Margin = lightning.Gate.Margin,
                FewestItems = lightning.Gate.FewestItems,
                Alpha = lightning.Gate.Alpha,
            },
            Prices = lightning.Prices,
            UseTunedModel = lightning.UseTunedModel,
            Guard = new GuardSettings
            {
                FewestRewards = lightning.Guard.FewestRewards,
                Window = lightning.Guard.Window,
                Tolerance = lightning.Guard.Tolerance,
                Alpha = lightning.Guard.Alpha,
            },
            Traces = new TraceSettings
            {
                RootQuietSeconds = lightning.Traces.RootQuiet.TotalSeconds,
                QuietSeconds = lightning.Traces.Quiet.TotalSeconds,
                LongestOpenSeconds = lightning.Traces.LongestOpen.TotalSeconds,
                LateWindowSeconds = lightning.Traces.LateWindow.TotalSeconds,
                ReadIntervalMilliseconds = (int)Math.Ceiling(lightning.Traces.ReadInterval.TotalMilliseconds),
                MostSpans = lightning.Traces.MostSpans,
                LargestBodyBytes = lightning.Traces.LargestBody,
                FreshBytes = lightning.Traces.FreshBytes,
                GroupSize = lightning.Traces.GroupSize,
                DefaultAgent = lightning.Traces.DefaultAgent,
            },
            Training = new TrainingSettings
            {
                ParallelRuns = lightning.Training.ParallelRuns,
                CheckpointSeconds = Seconds(lightning.Training.CheckpointInterval),
            },
            Models = new ModelSettings { Folder = lightning.Models.Folder, MostLoaded = lightning.Models.MostLoaded },
            Recorder = new RecorderSettings
            {
                Capacity = lightning.Recorder.Capacity,
                CapacityBytes = lightning.Recorder.CapacityBytes,
                GroupSize = lightning.Recorder.GroupSize,
                FullWaitSeconds = lightning.Recorder.FullWait.TotalSeconds,
            },
            Gateway = options.Gateway.ToSettings(),
            Metrics = new MetricsSettings { OtlpEndpoint = options.MetricsEndpoint ?? "" },
        };
    }

    public static DatasetOptions ToOptions(this DatasetSettings settings) =>
        new()
        {
            TrainSplit = settings.TrainSplit,
            MinReward = settings.MinReward,
            MaxExamples = settings.MaxExamples,
            IncludeTools = settings.IncludeTools,
            SystemPrompt = settings.SystemPrompt.Length == 0 ? null : settings.SystemPrompt,
        };

    /// <summary>Upwards: a fraction above the most is over it.</summary>
    private static int Seconds(TimeSpan time) => (int)Math.Clamp(Math.Ceiling(time.TotalSeconds), int.MinValue, int.MaxValue);

    private static TimeSpan? Days(int days) => days == 0 ? null : TimeSpan.FromDays(days);
}
