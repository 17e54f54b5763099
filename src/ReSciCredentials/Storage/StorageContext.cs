using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace ReSciCredentials.Storage;

/// <summary>What is kept. One context an operation (<see cref="IDbContextFactory{TContext}"/>): a circuit outlives many operations.</summary>
internal sealed class StorageContext : IdentityUserContext<Account, int, IdentityUserClaim<int>, IdentityUserLogin<int>, IdentityUserToken<int>>
{
    public StorageContext(DbContextOptions<StorageContext> options)
        : base(options)
    {
        ChangeTracker.LazyLoadingEnabled = false;
        // Every change has a transaction of its own, so that its commit can be seen and announced.
        Database.AutoTransactionBehavior = AutoTransactionBehavior.Always;
    }

    public DbSet<SignInSession> Sessions => Set<SignInSession>();

    public DbSet<SetupLink> SetupLinks => Set<SetupLink>();

    public DbSet<ServiceKey> ServiceKeys => Set<ServiceKey>();

    public DbSet<ApiToken> ApiTokens => Set<ApiToken>();

    public DbSet<Credential> Credentials => Set<Credential>();

    public DbSet<CredentialKey> CredentialKeys => Set<CredentialKey>();

    public DbSet<CredentialCheck> CredentialChecks => Set<CredentialCheck>();

    public DbSet<Announcement> Announcements => Set<Announcement>();

    public DbSet<AnnouncedDay> AnnouncedDays => Set<AnnouncedDay>();

    public DbSet<Flow> Flows => Set<Flow>();

    public DbSet<Accessor> Accessors => Set<Accessor>();

    public DbSet<AccessToken> AccessTokens => Set<AccessToken>();

    public DbSet<BrokerCall> BrokerCalls => Set<BrokerCall>();

    public DbSet<BrokerJob> BrokerJobs => Set<BrokerJob>();

    public DbSet<BrokerHour> BrokerHours => Set<BrokerHour>();

    public DbSet<AuditEntry> AuditEntries => Set<AuditEntry>();

    public DbSet<AuditMark> AuditMarks => Set<AuditMark>();

    public DbSet<RingElement> RingElements => Set<RingElement>();

    public DbSet<SealedValue> SealedValues => Set<SealedValue>();

    public DbSet<SafekeepingJob> SafekeepingJobs => Set<SafekeepingJob>();

    public override int SaveChanges(bool acceptAllChangesOnSuccess)
    {
        RaiseRevisions();
        return base.SaveChanges(acceptAllChangesOnSuccess);
    }

    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        RaiseRevisions();
        // An audit entry is linked to the one before it: that one is read, and this one written, by whoever holds the write lock.
        await using var own = Database.CurrentTransaction is null && ChangeTracker.Entries<AuditEntry>().Any(entry => entry.State is EntityState.Added)
            ? await Database.BeginTransactionAsync(cancellationToken)
            : null;
        var saved = await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
        if (own is not null)
        {
            await own.CommitAsync(cancellationToken);
        }

        return saved;
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        // SQLite can neither order nor compare a DateTimeOffset in EF's own form.
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UtcTicks>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);

        builder.Entity<Account>(account =>
        {
            account.ToTable("accounts");
            account.Property(a => a.Name).HasMaxLength(100);
            account.Property(a => a.Role).HasConversion<string>();
            account.Ignore(a => a.PhoneNumber).Ignore(a => a.PhoneNumberConfirmed);
        });
        builder.Entity<IdentityUserClaim<int>>().ToTable("account_claims");
        builder.Entity<IdentityUserLogin<int>>().ToTable("account_logins");
        builder.Entity<IdentityUserToken<int>>().ToTable("account_tokens");

        builder.Entity<SignInSession>(session =>
        {
            session.ToTable("sessions");
            session.HasOne<Account>().WithMany().HasForeignKey(s => s.AccountId);
        });
        builder.Entity<SetupLink>().ToTable("setup_links").Property(s => s.Id).ValueGeneratedNever();

        builder.Entity<ServiceKey>(key =>
        {
            key.ToTable("service_keys");
            key.Property(k => k.Name).HasMaxLength(ServiceKey.NameLength);
            key.Property(k => k.Scope).HasConversion<string>();
            key.HasOne(k => k.Owner).WithMany().HasForeignKey(k => k.OwnerId).OnDelete(DeleteBehavior.Cascade);
            key.HasIndex(k => k.Hash).IsUnique();
            key.HasIndex(k => new { k.OwnerId, k.OperationId }).IsUnique();
        });
        builder.Entity<ApiToken>(token =>
        {
            token.ToTable("api_tokens");
            token.HasOne(t => t.ServiceKey).WithMany().HasForeignKey(t => t.ServiceKeyId).OnDelete(DeleteBehavior.Cascade);
            token.HasIndex(t => t.Hash).IsUnique();
            token.HasIndex(t => t.ExpiresAt);
        });

        builder.Entity<Credential>(credential =>
        {
            credential.ToTable("credentials");
            credential.Property(c => c.Name).HasMaxLength(Credential.NameLength);
            credential.Property(c => c.Description).HasMaxLength(Credential.DescriptionLength);
            credential.Property(c => c.Type).HasDefaultValue(Credential.UsualType);
            credential.Property(c => c.VerifiedStatus).HasConversion<string>();
            credential.HasOne(c => c.Owner).WithMany().HasForeignKey(c => c.OwnerId).OnDelete(DeleteBehavior.Restrict);
            credential.HasMany(c => c.Keys).WithOne(k => k.Credential).HasForeignKey(k => k.CredentialId);
            // What binds a ciphertext to its row never changes.
            credential.Property(c => c.Uid).Metadata.SetAfterSaveBehavior(PropertySaveBehavior.Throw);
            credential.HasIndex(c => c.Uid).IsUnique();
            credential.HasIndex(c => new { c.OwnerId, c.OperationId }).IsUnique();
            // What is deleted is as if it did not exist; only bringing back and wiping look past this.
            credential.HasQueryFilter(c => c.DeletedAt == null);
            credential.HasIndex(c => c.DeletedAt).HasFilter("\"DeletedAt\" IS NOT NULL");
            credential.HasIndex(c => c.PreviousKeyWipedAt).HasFilter("\"PreviousKeyWipedAt\" IS NOT NULL");
            credential.HasIndex(c => c.NextCheckAt);
            credential.HasIndex(c => c.CurrentKeyUid);
            credential.HasIndex(c => new { c.OwnerId, c.DoubtedAt }).HasFilter("\"DoubtedAt\" IS NOT NULL");
            // The order of a list is the order of an index. Those by id and by name are made by the migration: without the first SQLite sorts
            // all rows of an owner, EF would leave it out as a prefix of others, and it knows no collation of an index.
            credential.HasIndex(c => new { c.OwnerId, c.CheckedAt, c.Id });
            credential.HasIndex(c => new { c.OwnerId, c.VerifiedStatus, c.Id });
            credential.HasIndex(c => new { c.OwnerId, c.VerifiedStatus, c.CheckedAt, c.Id });
            credential.HasIndex(c => new { c.OwnerId, c.ExpiresOn, c.Id }).HasFilter("\"ExpiresOn\" IS NOT NULL");
            credential.HasIndex(c => new { c.OwnerId, c.ReviewOn, c.Id }).HasFilter("\"ReviewOn\" IS NOT NULL");
            // The same orders over everybody's, for somebody with whom very much is shared.
            credential.HasIndex(c => new { c.CheckedAt, c.Id });
            credential.HasIndex(c => new { c.VerifiedStatus, c.Id });
            credential.HasIndex(c => new { c.VerifiedStatus, c.CheckedAt, c.Id });
            credential.HasIndex(c => new { c.ExpiresOn, c.Id }).HasFilter("\"ExpiresOn\" IS NOT NULL");
        });
        builder.Entity<CredentialCheck>(check =>
        {
            check.ToTable("credential_checks");
            check.HasOne<Credential>().WithMany().HasForeignKey(c => c.CredentialId);
            check.HasIndex(c => new { c.CredentialId, c.Id });
        });
        builder.Entity<Announcement>(announcement =>
        {
            announcement.ToTable("announcements");
            announcement.Property(a => a.Channel).HasConversion<string>();
            announcement.Property(a => a.Kind).HasConversion<string>();
            announcement.Property(a => a.CredentialName).HasMaxLength(Credential.NameLength);
            announcement.Property(a => a.Detail).HasMaxLength(Announcement.DetailLength);
            announcement.HasIndex(a => new { a.Channel, a.NextAttemptAt });
        });
        builder.Entity<AnnouncedDay>(day =>
        {
            day.ToTable("announced_days");
            day.HasKey(d => new { d.CredentialId, d.Kind });
            day.Property(d => d.Kind).HasConversion<string>();
            day.HasOne<Credential>().WithMany().HasForeignKey(d => d.CredentialId);
        });
        builder.Entity<CredentialKey>(key =>
        {
            key.ToTable("credential_keys");
            key.HasKey(k => k.Uid);
            key.Property(k => k.Uid).ValueGeneratedNever();
            // Which of them are there twice or more stands in repeated_fingerprints, which triggers of the migration keep.
            key.HasIndex(k => k.Fingerprint);
            key.HasIndex(k => k.LastFour);
        });

        builder.Entity<Flow>(flow =>
        {
            flow.ToTable("flows");
            flow.Property(f => f.Name).HasMaxLength(Flow.NameLength);
            flow.Property(f => f.Description).HasMaxLength(Flow.DescriptionLength);
            flow.Property(f => f.Type).HasDefaultValue(Flow.UsualType);
            flow.Property(f => f.IngestMethod).HasMaxLength(Flow.IngestMethodLength);
            flow.Property(f => f.Kind).HasConversion<string>();
            flow.Property(f => f.Status).HasConversion<string>();
            flow.HasOne(f => f.Owner).WithMany().HasForeignKey(f => f.OwnerId).OnDelete(DeleteBehavior.Restrict);
            flow.HasOne(f => f.Credential).WithMany().HasForeignKey(f => f.CredentialId).OnDelete(DeleteBehavior.Restrict);
            flow.HasIndex(f => new { f.OwnerId, f.OperationId }).IsUnique();
            flow.HasIndex(f => new { f.OwnerId, f.Kind, f.Id });
        });

        builder.Entity<Accessor>(accessor =>
        {
            accessor.ToTable("accessors", table => table.HasCheckConstraint("CK_accessors_one", "(\"CredentialId\" IS NULL) <> (\"FlowId\" IS NULL)"));
            // A number, because roles are compared.
            accessor.Property(a => a.Role).HasConversion<int>();
            accessor.HasOne(a => a.Credential).WithMany(c => c.Accessors).HasForeignKey(a => a.CredentialId).OnDelete(DeleteBehavior.Cascade);
            accessor.HasOne(a => a.Flow).WithMany(f => f.Accessors).HasForeignKey(a => a.FlowId).OnDelete(DeleteBehavior.Cascade);
            accessor.HasOne(a => a.Account).WithMany().HasForeignKey(a => a.AccountId).OnDelete(DeleteBehavior.Cascade);
            // One entry a person. Of the column that is not set any number may be NULL.
            accessor.HasIndex(a => new { a.AccountId, a.CredentialId }).IsUnique();
            accessor.HasIndex(a => new { a.AccountId, a.FlowId }).IsUnique();
        });
        builder.Entity<AccessToken>(token =>
        {
            token.ToTable("access_tokens");
            token.Property(t => t.Name).HasMaxLength(AccessToken.NameLength);
            token.Property(t => t.RefusedFor).HasConversion<string>();
            token.HasOne(t => t.Flow).WithMany().HasForeignKey(t => t.FlowId).OnDelete(DeleteBehavior.Cascade);
            token.HasIndex(t => t.Hash).IsUnique();
            token.HasIndex(t => new { t.OwnerId, t.OperationId }).IsUnique();
            token.HasIndex(t => t.RefusedAt).HasFilter("\"RefusedAt\" IS NOT NULL");
        });
        builder.Entity<BrokerCall>(call =>
        {
            call.ToTable("broker_calls");
            // No foreign keys: what was done outlives what it was done with.
            // In the order of Id as well, which SQLite has in every index.
            call.HasIndex(c => c.FlowId);
            call.HasIndex(c => c.TokenId);
        });
        builder.Entity<BrokerHour>(hour =>
        {
            hour.ToTable("broker_hours");
            hour.HasKey(h => new { h.TokenId, h.Hour, h.KeyUid });
            hour.HasIndex(h => new { h.FlowId, h.Hour });
            hour.HasIndex(h => new { h.CredentialId, h.Hour });
            hour.HasIndex(h => h.Hour);
        });
        builder.Entity<BrokerJob>(job =>
        {
            job.ToTable("broker_jobs");
            job.Property(j => j.JobId).HasMaxLength(64);
            // They are of use to their token alone.
            job.HasOne<AccessToken>().WithMany().HasForeignKey(j => j.TokenId).OnDelete(DeleteBehavior.Cascade);
            job.HasIndex(j => new { j.TokenId, j.JobId }).IsUnique();
            job.HasIndex(j => new { j.TokenId, j.Id });
            job.HasIndex(j => j.At);
        });

        builder.Entity<AuditEntry>(entry =>
        {
            entry.ToTable("audit_entries");
            // Every filter of the Activity page has an index in the order of the page. What follows the time lets filters that come together
            // be answered within the index, so that the rare among the many is found without reading the many.
            entry.HasIndex(e => e.At);
            entry.HasIndex(e => new { e.ActorId, e.At, e.Event, e.ItemType, e.OwnerId });
            entry.HasIndex(e => new { e.OwnerId, e.At, e.Event, e.ItemType, e.ActorId });
            entry.HasIndex(e => new { e.Event, e.At, e.ItemType, e.ActorId, e.OwnerId });
            entry.HasIndex(e => new { e.ItemType, e.At, e.Event, e.ActorId, e.OwnerId });
            entry.HasIndex(e => new { e.ItemType, e.ItemId, e.At });
            // Two filters that most entries pass, and hardly any both. As many columns as above: of two indexes that seem equally telling SQLite takes the narrower.
            entry.HasIndex(e => new { e.ActorId, e.Event, e.At, e.ItemType, e.OwnerId });
            entry.HasIndex(e => new { e.ActorId, e.ItemType, e.At, e.Event, e.OwnerId });
            entry.HasIndex(e => new { e.OwnerId, e.Event, e.At, e.ItemType, e.ActorId });
            entry.HasIndex(e => new { e.OwnerId, e.ItemType, e.At, e.Event, e.ActorId });
            entry.HasIndex(e => new { e.Event, e.ItemType, e.At, e.ActorId, e.OwnerId });
        });
        builder.Entity<AuditMark>().ToTable("audit_marks").HasKey(m => m.Name);
        builder.Entity<RingElement>().ToTable("ring_elements").HasIndex(e => e.Name).IsUnique();
        builder.Entity<SealedValue>().ToTable("sealed_values").HasKey(v => v.Name);
        builder.Entity<SafekeepingJob>(job =>
        {
            job.ToTable("safekeeping_jobs");
            job.Property(j => j.Kind).HasConversion<string>();
            job.Property(j => j.Detail).HasMaxLength(SafekeepingJob.DetailLength);
            job.HasIndex(j => j.Uid).IsUnique();
            job.HasIndex(j => j.FinishedAt);
        });

        foreach (var entity in builder.Model.GetEntityTypes().Where(e => typeof(IRevised).IsAssignableFrom(e.ClrType)))
        {
            entity.FindProperty(nameof(IRevised.Revision))!.IsConcurrencyToken = true;
        }
    }

    private void RaiseRevisions()
    {
        foreach (var entry in ChangeTracker.Entries<IRevised>())
        {
            if (entry.State is EntityState.Added or EntityState.Modified)
            {
                entry.Entity.Revision++;
            }
        }
    }

    private sealed class UtcTicks() : ValueConverter<DateTimeOffset, long>(
        time => time.UtcTicks,
        ticks => new DateTimeOffset(ticks, TimeSpan.Zero));
}
