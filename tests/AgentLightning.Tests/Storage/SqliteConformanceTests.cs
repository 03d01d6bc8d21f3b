using AgentLightning.Tests.Storage.Conformance;

namespace AgentLightning.Tests.Storage;

public sealed class SqliteEpisodeStoreTests : EpisodeStoreConformance<SqliteEngine>;

public sealed class SqliteFindIdTests : FindIdConformance<SqliteEngine>;

public sealed class SqliteRewardStoreTests : RewardStoreConformance<SqliteEngine>;

public sealed class SqliteDatasetStoreTests : DatasetStoreConformance<SqliteEngine>;

public sealed class SqliteDatasetBuildTests : DatasetBuildConformance<SqliteEngine>;

public sealed class SqliteDataUseTests : DataUseConformance<SqliteEngine>;

public sealed class SqliteTrainingRunStoreTests : TrainingRunStoreConformance<SqliteEngine>;

public sealed class SqliteEvaluationStoreTests : EvaluationStoreConformance<SqliteEngine>;

public sealed class SqliteDeploymentStoreTests : DeploymentStoreConformance<SqliteEngine>;

public sealed class SqliteSchemaTests : SchemaConformance<SqliteEngine>;

public sealed class SqliteArtifactStoreTests : ArtifactStoreConformance<SqliteEngine>;

public sealed class SqliteStoreCheckTests : StoreCheckConformance<SqliteEngine>;

public sealed class SqliteRandomOperationsTests : RandomOperationsConformance<SqliteEngine>;

public sealed class SqliteFeedbackStoreTests : FeedbackStoreConformance<SqliteEngine>;

public sealed class SqliteRewardTotalsTests : RewardTotalsConformance<SqliteEngine>;

public sealed class SqliteTraceStoreTests : TraceStoreConformance<SqliteEngine>;

public sealed class SqliteEpisodeAssemblerTests : EpisodeAssemblerConformance<SqliteEngine>;

public sealed class SqliteApiKeyStoreTests : ApiKeyStoreConformance<SqliteEngine>;

public sealed class SqliteAuditLogTests : AuditLogConformance<SqliteEngine>;

public sealed class SqlitePagesTests : PagesConformance<SqliteEngine>;

public sealed class SqliteLeaseStoreTests : LeaseStoreConformance<SqliteEngine>;

public sealed class SqliteSpendStoreTests : SpendStoreConformance<SqliteEngine>;

public sealed class SqliteJobTests : JobConformance<SqliteEngine>;

public sealed class SqliteChangeNoticesTests : ChangeNoticesConformance<SqliteEngine>;

public sealed class SqliteReleaseFiguresTests : ReleaseFiguresConformance<SqliteEngine>;

public sealed class SqliteExperimentStoreTests : ExperimentStoreConformance<SqliteEngine>;

public sealed class SqliteReleaseSelectionTests : ReleaseSelectionConformance<SqliteEngine>;
