using AgentLightning.Tests.Storage.Conformance;

namespace AgentLightning.Tests.Storage;

public sealed class PostgresEpisodeStoreTests : EpisodeStoreConformance<PostgresEngine>;

public sealed class PostgresFindIdTests : FindIdConformance<PostgresEngine>;

public sealed class PostgresRewardStoreTests : RewardStoreConformance<PostgresEngine>;

public sealed class PostgresDatasetStoreTests : DatasetStoreConformance<PostgresEngine>;

public sealed class PostgresDatasetBuildTests : DatasetBuildConformance<PostgresEngine>;

public sealed class PostgresDataUseTests : DataUseConformance<PostgresEngine>;

public sealed class PostgresTrainingRunStoreTests : TrainingRunStoreConformance<PostgresEngine>;

public sealed class PostgresEvaluationStoreTests : EvaluationStoreConformance<PostgresEngine>;

public sealed class PostgresDeploymentStoreTests : DeploymentStoreConformance<PostgresEngine>;

public sealed class PostgresSchemaTests : SchemaConformance<PostgresEngine>;

public sealed class PostgresArtifactStoreTests : ArtifactStoreConformance<PostgresEngine>;

public sealed class PostgresStoreCheckTests : StoreCheckConformance<PostgresEngine>;

public sealed class PostgresRandomOperationsTests : RandomOperationsConformance<PostgresEngine>;

public sealed class PostgresFeedbackStoreTests : FeedbackStoreConformance<PostgresEngine>;

public sealed class PostgresRewardTotalsTests : RewardTotalsConformance<PostgresEngine>;

public sealed class PostgresTraceStoreTests : TraceStoreConformance<PostgresEngine>;

public sealed class PostgresEpisodeAssemblerTests : EpisodeAssemblerConformance<PostgresEngine>;

public sealed class PostgresApiKeyStoreTests : ApiKeyStoreConformance<PostgresEngine>;

public sealed class PostgresAuditLogTests : AuditLogConformance<PostgresEngine>;

public sealed class PostgresPagesTests : PagesConformance<PostgresEngine>;

public sealed class PostgresLeaseStoreTests : LeaseStoreConformance<PostgresEngine>;

public sealed class PostgresSpendStoreTests : SpendStoreConformance<PostgresEngine>;

public sealed class PostgresJobTests : JobConformance<PostgresEngine>;

public sealed class PostgresChangeNoticesTests : ChangeNoticesConformance<PostgresEngine>;

public sealed class PostgresReleaseFiguresTests : ReleaseFiguresConformance<PostgresEngine>;

public sealed class PostgresExperimentStoreTests : ExperimentStoreConformance<PostgresEngine>;

public sealed class PostgresReleaseSelectionTests : ReleaseSelectionConformance<PostgresEngine>;
